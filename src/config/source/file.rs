//! The mapping file: its keys, and how it becomes a `SourceMapping`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::target::{TargetType, targets};
use super::tree::{Form, Leaf, Node, Origin};
use super::{
    AbnormalCustomers, EventMapping, Field, Format, SharedSubjects, SourceError, SourceMapping, Table,
};
use crate::codec::event::EventType;
use crate::codec::pointer::PointerTree;
use crate::config::nearest;

const SCHEMA: &str = "duecourse.source/1";
/// Types that need texts no flat row can carry.
const NOT_MAPPABLE: [EventType; 4] = [
    EventType::EventCorrected,
    EventType::RuleSetActivated,
    EventType::BeneficialOwnersDeclared,
    EventType::AuthorisationGranted,
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceFile {
    schema: String,
    name: String,
    format: FormatName,
    #[serde(default)]
    holder_from: Option<HolderFrom>,
    #[serde(default = "id_bytes_max_default")]
    id_bytes_max: usize,
    #[serde(default)]
    refs: RefsName,
    #[serde(default)]
    outside: Vec<String>,
    #[serde(default)]
    accept: Vec<String>,
    #[serde(default)]
    shared_subjects: SharedFile,
    #[serde(default)]
    abnormal_customers: AbnormalFile,
    #[serde(default)]
    tables: BTreeMap<String, TableFile>,
}

fn id_bytes_max_default() -> usize {
    64
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum FormatName {
    Native,
    Csv,
    Json,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum HolderFrom {
    Account,
}

#[derive(Default, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum RefsName {
    /// Refs that look like identity, card or phone numbers are refused.
    #[default]
    Checked,
    Opaque,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SharedFile {
    address: Option<String>,
    agent: Option<String>,
    device: Option<String>,
    legal_representative: Option<String>,
    outlet: Option<String>,
    phone_number: Option<String>,
    terminal: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AbnormalFile {
    device: Option<String>,
    location: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableFile {
    id: SelectorFile,
    time: SelectorFile,
    #[serde(default)]
    optional: Vec<String>,
    #[serde(default)]
    unused: Vec<String>,
    events: Vec<EventFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventFile {
    #[serde(default)]
    when: BTreeMap<String, String>,
    #[serde(rename = "type")]
    event_type: String,
    #[serde(default)]
    data: BTreeMap<String, SelectorFile>,
}

/// Where a value comes from: a field's name alone, or the long form.
#[derive(Deserialize)]
#[serde(from = "SelectorForms")]
struct SelectorFile(SelectorLong);

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SelectorLong {
    field: Option<String>,
    value: Option<toml::Value>,
    #[serde(rename = "as")]
    form: Option<FormName>,
    digits: Option<u32>,
    #[serde(default)]
    prefix: String,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum FormName {
    Text,
    Decimal,
    Integer,
    Flag,
    EpochMs,
    Rfc3339,
    RecordTime,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum SelectorForms {
    Short(String),
    Long(SelectorLong),
}

impl From<SelectorForms> for SelectorFile {
    fn from(form: SelectorForms) -> SelectorFile {
        SelectorFile(match form {
            SelectorForms::Short(field) => SelectorLong { field: Some(field), ..SelectorLong::default() },
            SelectorForms::Long(long) => long,
        })
    }
}

pub(super) fn load(text: &str) -> Result<SourceMapping, SourceError> {
    let file: SourceFile = toml::from_str(text).map_err(|error| SourceError(placed(text, &error)))?;
    if file.schema != SCHEMA {
        return Err(SourceError(format!("schema is `{}`, this program reads `{SCHEMA}`", file.schema)));
    }
    let format = match file.format {
        FormatName::Native => Format::Native,
        FormatName::Csv => Format::Csv,
        FormatName::Json => Format::Json,
    };
    if (format == Format::Native) != file.tables.is_empty() {
        return Err(SourceError("a csv or json source has tables, a native one has none".to_owned()));
    }
    let abnormal_customers = abnormal_customers(file.abnormal_customers, &file.shared_subjects)?;
    let tables = file.tables.into_iter().map(|(name, table)| load_table(name, table, format));
    Ok(SourceMapping {
        name: file.name,
        format,
        holder_from_account: matches!(file.holder_from, Some(HolderFrom::Account)),
        id_bytes_max: file.id_bytes_max,
        refs_checked: file.refs == RefsName::Checked,
        outside: file.outside,
        accepted: file.accept.iter().map(|name| event_type(name)).collect::<Result<_, _>>()?,
        shared_subjects: shared_subjects(file.shared_subjects)?,
        abnormal_customers,
        tables: tables.collect::<Result<_, _>>()?,
    })
}

fn shared_subjects(file: SharedFile) -> Result<SharedSubjects, SourceError> {
    let recorded = [
        &file.address,
        &file.agent,
        &file.device,
        &file.legal_representative,
        &file.outlet,
        &file.phone_number,
        &file.terminal,
    ];
    if recorded.into_iter().flatten().any(|basis| basis.trim().is_empty()) {
        return Err(SourceError(
            "a basis in [shared_subjects] is empty: leave the line out instead".to_owned(),
        ));
    }
    Ok(SharedSubjects {
        address: file.address,
        agent: file.agent,
        device: file.device,
        legal_representative: file.legal_representative,
        outlet: file.outlet,
        phone_number: file.phone_number,
        terminal: file.terminal,
    })
}

fn abnormal_customers(file: AbnormalFile, shared: &SharedFile) -> Result<AbnormalCustomers, SourceError> {
    let AbnormalFile { device, location } = file;
    if [&device, &location].into_iter().flatten().any(|basis| basis.trim().is_empty()) {
        return Err(SourceError(
            "a basis in [abnormal_customers] is empty: leave the line out instead".to_owned(),
        ));
    }
    if device.is_some() && shared.device.is_some() {
        return Err(SourceError(
            "`device` stands in [shared_subjects] and in [abnormal_customers]: what is held of abnormal \
             customers alone (APL 18(4)) is no subject of its own; keep one of the two lines"
                .to_owned(),
        ));
    }
    Ok(AbnormalCustomers { device, location })
}

fn event_type(name: &str) -> Result<EventType, SourceError> {
    EventType::from_name(name).ok_or_else(|| {
        let known = EventType::ALL.iter().map(|kind| kind.name());
        SourceError(format!("unknown event type `{name}`{}", near(name, known)))
    })
}

/// The fields of a table while it is being read.
struct Fields {
    names: Vec<String>,
}

impl Fields {
    fn place(&mut self, name: &str) -> usize {
        self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        })
    }
}

fn load_table(name: String, file: TableFile, format: Format) -> Result<Table, SourceError> {
    let mut fields = Fields { names: Vec::new() };
    let id = leaf("id", file.id.0, Form::Text, &mut fields)?;
    let time = leaf("time", file.time.0, Form::Rfc3339, &mut fields)?;
    if !matches!(time.form, Form::Rfc3339 | Form::EpochMs) {
        return Err(SourceError("`time` is read as rfc3339, epoch_ms or record_time".to_owned()));
    }
    let mut events = Vec::new();
    for event in file.events {
        events.push(load_event(event, &mut fields)?);
    }
    let mut pointers = PointerTree::default();
    if format == Format::Json {
        let used = fields.names.iter().enumerate().map(|(slot, pointer)| (pointer, Some(slot)));
        for (pointer, slot) in used.chain(file.unused.iter().map(|pointer| (pointer, None))) {
            pointers.add(pointer, slot).map_err(|error| SourceError(error.to_string()))?;
        }
    }
    if let Some(stray) = file.optional.iter().find(|wanted| !fields.names.contains(wanted)) {
        let hint = near(stray, fields.names.iter().map(String::as_str));
        return Err(SourceError(format!("optional column `{stray}` is read by nothing{hint}")));
    }
    let optional = |name: &String| file.optional.contains(name);
    let fields = fields.names.into_iter().map(|name| Field { optional: optional(&name), name }).collect();
    Ok(Table { name, fields, unused: file.unused, id, time, events, pointers })
}

fn load_event(file: EventFile, fields: &mut Fields) -> Result<EventMapping, SourceError> {
    let event_type = event_type(&file.event_type)?;
    if NOT_MAPPABLE.contains(&event_type) {
        return Err(SourceError(format!("`{}` can only be sent in its native form", event_type.name())));
    }
    let targets = targets(event_type);
    let mut data = Node::Object(Vec::new());
    for (path, selector) in file.data {
        let Some((_, target)) = targets.iter().find(|(known, _)| *known == path) else {
            let hint = near(&path, targets.iter().map(|(known, _)| known.as_str()));
            return Err(SourceError(format!("`{}` has no field `{path}`{hint}", event_type.name())));
        };
        let natural = match target {
            TargetType::Text => Form::Text,
            TargetType::Integer => Form::Integer,
            TargetType::Flag => Form::Flag,
        };
        let leaf = leaf(&path, selector.0, natural, fields)?;
        let fits =
            leaf.form == natural || (natural == Form::Integer && matches!(leaf.form, Form::Decimal(_)));
        if !fits || leaf.origin == Origin::Record || !leaf.prefix.is_empty() {
            return Err(SourceError(format!("`{path}` cannot be read in the form given for it")));
        }
        insert(&mut data, path.split('.'), leaf);
    }
    let when = file.when.into_iter().map(|(field, value)| (fields.place(&field), value)).collect();
    Ok(EventMapping { when, event_type, data })
}

fn leaf(key: &str, file: SelectorLong, natural: Form, fields: &mut Fields) -> Result<Leaf, SourceError> {
    let form = match file.form {
        None => natural,
        Some(FormName::Text) => Form::Text,
        Some(FormName::Decimal) => Form::Decimal(file.digits.unwrap_or(2)),
        Some(FormName::Integer) => Form::Integer,
        Some(FormName::Flag) => Form::Flag,
        Some(FormName::EpochMs) => Form::EpochMs,
        Some(FormName::Rfc3339 | FormName::RecordTime) => Form::Rfc3339,
    };
    if file.digits.is_some_and(|digits| digits > 4 || !matches!(form, Form::Decimal(_))) {
        return Err(SourceError(format!("`digits` of `{key}` is for decimals and at most 4")));
    }
    let origin = match (file.field, file.value, file.form == Some(FormName::RecordTime)) {
        (Some(field), None, false) => Origin::Field(fields.place(&field)),
        (None, Some(toml::Value::String(text)), false) => Origin::Constant(text),
        (None, Some(value @ (toml::Value::Boolean(_) | toml::Value::Integer(_))), false) => {
            Origin::Constant(value.to_string())
        }
        (None, None, true) if key == "time" => Origin::Record,
        _ => return Err(SourceError(format!("`{key}` needs one of `field` and `value`"))),
    };
    Ok(Leaf { origin, form, prefix: file.prefix })
}

/// Puts a leaf at its path. Paths come from a schema, so none of them ends where another goes on.
fn insert<'p>(node: &mut Node, mut path: impl Iterator<Item = &'p str>, leaf: Leaf) {
    match (path.next(), node) {
        (Some(name), Node::Object(members)) => {
            let place = members.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
                members.push((name.to_owned(), Node::Object(Vec::new())));
                members.len() - 1
            });
            // The place was just found or made.
            insert(&mut members[place].1, path, leaf);
        }
        (_, node) => *node = Node::Leaf(leaf),
    }
}

/// `: did you mean ...` for the nearest known name, or nothing when none is near.
fn near<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> String {
    nearest::nearest(name, known).map(|near| format!(": did you mean `{near}`?")).unwrap_or_default()
}

/// A TOML error in one line: where, and what; of an unknown key the nearest known one.
fn placed(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    format!("line {}: {}", before.matches('\n').count() + 1, nearest::plain(error.message()))
}
