//! Releases of rules: signed, assessed, reasoned, or refused.

use super::*;
use RefusalCode as Code;

/// A release in production, in its data: `KEY` stands for the key's id, `SIGNATURE` for its signature.
const RELEASE: &str = r#""signing_key":"KEY","signature":"SIGNATURE","assessment":"PIA-7""#;

/// What is left out or changed in a release, and why it is refused then.
pub(super) fn release_cases() -> [(Code, &'static str, &'static str); 8] {
    [
        (Code::RulesUnsigned, r#""signing_key":"KEY","#, ""),
        (Code::RulesUnsigned, r#""signature":"SIGNATURE","#, ""),
        (Code::RulesKeyUnknown, "KEY", "stranger"),
        (Code::RulesKeyNotValid, "KEY", "ended"),
        (Code::RulesKeyNotValid, "KEY", "early"),
        (Code::RulesSignatureInvalid, "KEY", "other"),
        (Code::RulesAssessmentMissing, r#","assessment":"PIA-7""#, ""),
        (Code::GoLiveReasonMissing, "", ""),
    ]
}

/// An empty bundle as a step forward.
fn step(institution: &str) -> crate::codec::signing::Released<'_> {
    crate::codec::signing::Released { institution, rollback: None, bundle: "{}" }
}

#[test]
fn releases_in_production_are_signed_assessed_and_reasoned() {
    use crate::codec::signing::{KeyFile, RegisteredKey};
    use sha2::{Digest, Sha256};
    let (key, other) = (KeyFile::generate("good").unwrap(), KeyFile::generate("other").unwrap());
    let registered = |id: &str, key: &KeyFile, from: i64, to: i64| {
        RegisteredKey::new(id, &key.public().unwrap(), (TimeMs(AT.0 + from), TimeMs(AT.0 + to))).unwrap()
    };
    let mut classifier = native();
    classifier.settings.releases = ReleasePolicy {
        keys: vec![
            registered("good", &key, 0, 1),
            registered("other", &other, 0, 1),
            registered("ended", &key, -9, 0),
            registered("early", &key, 1, 9),
        ],
        production: true,
        elsewhere: false,
    };
    let digest: String = Sha256::digest("{}").iter().map(|byte| format!("{byte:02x}")).collect();
    let institution = classifier.settings.institution.clone();
    let mut release = |from: &str, to: &str| {
        let signature = key.sign(&step(&institution)).unwrap().signature;
        let data = RELEASE.replacen(from, to, 1).replace("KEY", "good").replace("SIGNATURE", &signature);
        // A comma that was left behind belonged to what is gone.
        let data = format!(r#"{{"bundle":"{{}}","sha256":"{digest}",{}}}"#, data.trim_end_matches(','));
        classify(&mut classifier, &event("rule_set_activated", &data))
    };
    let classified = release("", "").unwrap();
    let FactBody::RuleSetActivated { release: recorded, .. } = &classified.facts[0].1.body else { panic!() };
    assert_eq!(
        (recorded.signed_by.as_deref(), recorded.assessment.as_deref()),
        (Some("good"), Some("PIA-7"))
    );
    assert_eq!(recorded.rollback, None);
    for (code, from, to) in
        release_cases().into_iter().filter(|(code, ..)| *code != Code::GoLiveReasonMissing)
    {
        assert_eq!(release(from, to).map(|_| ()), Err(code), "{from} -> {to}");
    }
    assert_eq!(classify(&mut classifier, &event("went_live", "{}")), Err(Code::GoLiveReasonMissing));
    assert_eq!(
        classify(&mut classifier, &event("went_live", r#"{"reason":" "}"#)),
        Err(Code::GoLiveReasonMissing)
    );
    assert!(classify(&mut classifier, &event("went_live", r#"{"reason":"board, 3 May"}"#)).is_ok());
}

#[test]
fn registered_keys_ask_for_a_signature_outside_of_production_too_and_for_no_more() {
    use crate::codec::signing::{KeyFile, RegisteredKey};
    use sha2::{Digest, Sha256};
    let key = KeyFile::generate("good").unwrap();
    let public = key.public().unwrap();
    let mut classifier = native();
    let digest: String = Sha256::digest("{}").iter().map(|byte| format!("{byte:02x}")).collect();
    let plain = event("rule_set_activated", &format!(r#"{{"bundle":"{{}}","sha256":"{digest}"}}"#));
    assert!(classify(&mut classifier, &plain).is_ok(), "nothing is demanded without keys");
    let registered = RegisteredKey::new("good", &public, (AT, TimeMs(i64::MAX))).unwrap();
    classifier.settings.releases.keys.push(registered);
    assert_eq!(classify(&mut classifier, &plain), Err(Code::RulesUnsigned));
    let institution = classifier.settings.institution.clone();
    let signature = key.sign(&step(&institution)).unwrap().signature;
    let data =
        format!(r#"{{"bundle":"{{}}","sha256":"{digest}","signing_key":"good","signature":"{signature}"}}"#);
    assert!(classify(&mut classifier, &event("rule_set_activated", &data)).is_ok());
    assert!(classify(&mut classifier, &event("went_live", "{}")).is_ok());
    classifier.settings.releases.elsewhere = true;
    for text in [event("rule_set_activated", &data), event("went_live", "{}")] {
        assert_eq!(classify(&mut classifier, &text), Err(Code::TypeNotAccepted));
    }
}

#[test]
fn a_signed_step_forward_is_no_rollback_and_holds_at_no_other_institution() {
    use crate::codec::signing::{KeyFile, RegisteredKey, Released};
    use sha2::{Digest, Sha256};
    let key = KeyFile::generate("good").unwrap();
    let mut classifier = native();
    let institution = classifier.settings.institution.clone();
    let registered = RegisteredKey::new("good", &key.public().unwrap(), (AT, TimeMs(i64::MAX))).unwrap();
    classifier.settings.releases.keys.push(registered);
    let digest: String = Sha256::digest("{}").iter().map(|byte| format!("{byte:02x}")).collect();
    let mut release = |released: &Released<'_>, rollback: &str| {
        let signature = key.sign(released).unwrap().signature;
        let data = format!(
            r#"{{"bundle":"{{}}","sha256":"{digest}","signing_key":"good","signature":"{signature}"{rollback}}}"#
        );
        classify(&mut classifier, &event("rule_set_activated", &data)).map(|_| ())
    };
    let back = Released { rollback: Some("too many alerts"), ..step(&institution) };
    assert_eq!(release(&step(&institution), ""), Ok(()));
    assert_eq!(release(&back, r#","rollback":"too many alerts""#), Ok(()));
    for (released, rollback) in [
        (step(&institution), r#","rollback":"too many alerts""#),
        (back, r#","rollback":"another reason""#),
        (back, ""),
        (step("another-bank"), ""),
    ] {
        assert_eq!(release(&released, rollback), Err(Code::RulesSignatureInvalid), "{released:?} {rollback}");
    }
}
