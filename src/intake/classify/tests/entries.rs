//! List entries: decided high enough, with their test, an end and a signature, or refused.

use super::orders::{ordering, when_read};
use super::*;
use crate::codec::authority::AuthoritySecret;
use crate::codec::event::{Event, EventType};
use crate::engine::entry::{EntryFact, EntrySays, EntryTerms, ListingTest, Regime};
use crate::engine::order::Level;
use crate::engine::subject::{Subject, SubjectKind};
use crate::intake::classify::entry;
use RefusalCode as Code;

/// What is changed in a sound entry before it is signed, and why it is refused then.
pub(super) fn entry_cases() -> [(Code, &'static str, &'static str); 9] {
    const TEST: &str = r#""test":"times","#;
    [
        (Code::EntryLevelTooLow, r#""level":"prefecture""#, r#""level":"county""#),
        (Code::EntryTestMissing, TEST, ""),
        (Code::EntryTestMissing, TEST, r#""test":"punished","#),
        (Code::EntryTestMissing, TEST, r#""test":"below_count","#),
        (Code::EntryTestMissing, TEST, r#""test":"times","approval":"P-1","#),
        (Code::OrderWithoutEnd, r#""end":"2025-01-03T08:00:00+08:00","#, ""),
        (Code::OrderTermInvalid, "2025-01-03T08", "2024-01-02T08"),
        (Code::OrderKeyOfAnother, r#""level":"prefecture""#, r#""level":"provincial""#),
        (Code::InstitutionUnknown, r#""institution":"bank-a""#, r#""institution":"bank-b""#),
    ]
}

const ENTRY: &str = r#"{"number":"LH-1","issuer":"city police","level":"prefecture","institution":"bank-a","holder":"h","category":"b","test":"times","start":"2024-01-02T08:00:00+08:00","end":"2025-01-03T08:00:00+08:00","signing_key":"city","signature":"SIGNATURE"}"#;

/// An entry with a change, signed by the city's key.
fn listed(secret: &AuthoritySecret, from: &str, to: &str) -> String {
    assert!(ENTRY.contains(from), "{from}");
    let data = ENTRY.replacen(from, to, 1);
    let Event::EntryListed(read) = when_read(EventType::EntryListed, &data) else { panic!() };
    let signature = secret.sign(&entry::listed(&read)).unwrap();
    event("entry_listed", &data.replace("SIGNATURE", &signature))
}

#[test]
fn an_entry_names_one_holder_and_goes_to_them_alone() {
    let (mut classifier, secret) = ordering();
    let classified = classify(&mut classifier, &listed(&secret, "{", "{")).unwrap();
    let [(_, Fact { body: FactBody::Entry(said), route, .. })] = &classified.facts[..] else { panic!() };
    assert_eq!(*route, Subject::new(SubjectKind::Holder, KEYS.token(SubjectKind::Holder, "h")));
    let (start, end) = (TimeMs(AT.0 + 86_400_000), TimeMs(AT.0 + 368 * 86_400_000));
    let (test, level, regime) = (ListingTest::Times, Level::Prefecture, Regime::Current);
    let terms = EntryTerms { test, level, start, end, regime, approval: None };
    assert_eq!(**said, EntryFact { name: said.name.clone(), says: EntrySays::Listed(terms) });
    for (code, from, to) in entry_cases() {
        let refused = classify(&mut classifier, &listed(&secret, from, to)).map(|_| ());
        assert_eq!(refused, Err(code), "{from} -> {to}");
    }
    let approved = r#""test":"below_count","approval":"P-1","#;
    assert!(classify(&mut classifier, &listed(&secret, r#""test":"times","#, approved)).is_ok());
    for (from, to) in [(r#""holder":"h""#, r#""holder":"i""#), ("LH-1", "LH-2"), ("2025-01-03", "2025-02-03")]
    {
        let changed = listed(&secret, "{", "{").replacen(from, to, 1);
        assert_eq!(
            classify(&mut classifier, &changed).map(|_| ()),
            Err(Code::OrderSignatureInvalid),
            "{from}"
        );
    }
}

#[test]
fn a_revocation_is_signed_for_itself() {
    let (mut classifier, secret) = ordering();
    let data = r#"{"number":"LH-1","issuer":"city police","institution":"bank-a","holder":"h","signing_key":"city","signature":"SIGNATURE"}"#;
    let Event::EntryRevoked(read) = when_read(EventType::EntryRevoked, data) else { panic!() };
    let signature = secret.sign(&entry::revoked(&read)).unwrap();
    let revoked = event("entry_revoked", &data.replace("SIGNATURE", &signature));
    let classified = classify(&mut classifier, &revoked).unwrap();
    let FactBody::Entry(said) = &classified.facts[0].1.body else { panic!() };
    assert_eq!(said.says, EntrySays::Revoked);
    let forged = event("entry_revoked", &data.replace("SIGNATURE", &"11".repeat(64)));
    assert_eq!(classify(&mut classifier, &forged).map(|_| ()), Err(Code::OrderSignatureInvalid));
}
