//! Shipped mappings, header lines, and what is said of a wrong name.

use super::*;
use crate::codec::event::Event;
use crate::engine::fact::Feed;

#[derive(Clone, Copy)]
struct Row<'r>(&'r [(usize, &'r str)]);

impl<'r> Values<'r> for Row<'r> {
    fn value(self, field: usize) -> Option<&'r str> {
        self.0.iter().find(|(known, _)| *known == field).map(|(_, value)| *value)
    }
}

fn labelled() -> SourceMapping {
    SourceMapping::shipped("labelled-csv").unwrap().unwrap()
}

#[test]
fn the_shipped_mappings_load() {
    assert_eq!(SourceMapping::shipped("native").unwrap().unwrap().format, Format::Native);
    let names: Vec<String> = labelled().tables.into_iter().map(|table| table.name).collect();
    assert_eq!(names, ["accounts", "events", "feedback"]);
    assert!(SourceMapping::shipped("other").is_none());
    assert!(SourceMapping::load("/no/such/file").unwrap_err().0.contains("labelled-csv"));
}

#[test]
fn a_row_is_read_by_the_event_types_own_reader() {
    let mapping = labelled();
    let table = mapping.table("events").unwrap();
    let place = |name: &str| table.fields.iter().position(|field| field.name == name).unwrap();
    let row = [
        (place("type"), "salary"),
        (place("from_account"), "EXT_IN"),
        (place("to_account"), "A1"),
        (place("amount"), "12.5"),
    ];
    let event = table.events.iter().find(|event| event.matches(Row(&row))).unwrap();
    let Event::TransferPosted(transfer) = event.event(Row(&row)).unwrap() else { panic!("not a transfer") };
    assert!(transfer.protected);
    assert_eq!(transfer.amount.money().minor, 1250);
    assert_eq!(transfer.payee.unwrap().reference.as_deref(), Some("A1"));
    assert!(transfer.device.is_none());
}

#[test]
fn headers_name_columns_in_any_order() {
    let mapping = labelled();
    let table = mapping.table("events").unwrap();
    let columns =
        table.columns("\u{feff}type,amount,x,to_account,from_account,ts_ms,event_id,from_bank,y").unwrap();
    assert_eq!(columns.count, 9);
    let names: Vec<&str> = columns.undeclared.iter().map(|name| &**name).collect();
    assert_eq!(names, ["x", "y"]);
    for wrong in ["event_id,ts_ms", "type,amount,to_account,from_account,ts_ms,event_id,type", "\"event_id"] {
        assert!(table.columns(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn unknown_keys_are_refused_with_the_nearest_name() {
    let text = SHIPPED.iter().find(|(name, _)| *name == "labelled-csv").unwrap().1;
    for (from, to, wanted) in [
        ("holder_from =", "holder_form =", "did you mean `holder_from`?"),
        ("\"payer.ref\"", "\"payer.reff\"", "did you mean `payer.ref`?"),
        ("\"transfer_posted\"", "\"transfer_postd\"", "did you mean `transfer_posted`?"),
        ("optional = [\"terminal\"]", "optional = [\"terminl\"]", "did you mean `terminal`?"),
        ("terminal = \"a", "treminal = \"a", "did you mean `terminal`?"),
        ("as = \"decimal\", digits = 2", "as = \"text\"", "`amount.minor`"),
        ("duecourse.source/1", "duecourse.source/9", "duecourse.source/1"),
        ("\"holding_stated\"", "\"event_corrected\"", "native form"),
    ] {
        assert!(text.contains(from), "{from}");
        let error = SourceMapping::parse(&text.replacen(from, to, 1)).unwrap_err();
        assert!(error.0.contains(wanted), "{} for {to}", error.0);
    }
}

#[test]
fn a_field_has_one_basis() {
    let text = SHIPPED.iter().find(|(name, _)| *name == "native").unwrap().1;
    let error = |more: &str| SourceMapping::parse(&format!("{text}\n{more}\n")).unwrap_err().0;
    assert!(error("device = \"APL 18(4)\"").contains("keep one of the two lines"));
    assert!(error("device = \" \"").contains("is empty"));
    assert!(error("devise = \"APL 18(4)\"").contains("did you mean `device`?"));
    let native = SourceMapping::parse(text).unwrap();
    assert!(native.gives(Feed::LocationSeenCustomer) && !native.gives(Feed::DeviceSeenCustomer));
    assert!(!labelled().gives(Feed::LocationSeenCustomer));
    assert!(native.gives(Feed::TransferDevice));
}

#[test]
fn every_target_of_every_type_has_a_type() {
    for kind in EventType::ALL {
        let found = target::targets(*kind);
        assert!(*kind == EventType::WentLive || !found.is_empty(), "{}", kind.name());
    }
    let transfer = target::targets(EventType::TransferPosted);
    for wanted in ["payer.ref", "payee.holder", "counterparty.account", "amount.minor", "protected", "device"]
    {
        assert!(transfer.iter().any(|(path, _)| path == wanted), "{wanted}");
    }
}
