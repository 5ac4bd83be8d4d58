//! Purpose checks at load (D18, D19): a rule whose action lies outside its signals' purposes does not load.

use super::load::Bundle;
use super::values::named;
use crate::engine::authorisation::AuthorisedUse;
use crate::engine::life::Word;
use crate::engine::measure::Lane;
use crate::engine::purpose::{Purpose, Use};

/// The use that a lane makes of the data behind a measure. An authority's order is no signal's
/// doing, so that lane has none.
#[must_use]
pub fn lane_use(lane: Lane) -> Option<Use> {
    match lane {
        Lane::Limit => Some(Use::OpeningLimit),
        Lane::Anomaly => Some(Use::AnomalyMeasure),
        Lane::Victim => Some(Use::VictimProtection),
        Lane::Authority => None,
    }
}

/// What no authorisation and no assessment opens (DESIGN D20): named here so that whoever asks for it is told.
const NOT_GRANTABLE: [&str; 18] = [
    "acquaintance",
    "age",
    "belief",
    "browsing",
    "content",
    "credit_scoring",
    "ethnicity",
    "health",
    "kinship",
    "marketing",
    "nationality",
    "occupation",
    "opinion",
    "origin",
    "sentiment",
    "sex",
    "social_scoring",
    "utility_records",
];

/// Who authorises another use of data of abnormal customers: the customer it is about, and nobody for them.
pub(super) const CUSTOMER: &str = "customer";

pub(super) fn purpose(text: &str) -> Result<Purpose, String> {
    if NOT_GRANTABLE.contains(&text) {
        return Err(format!(
            "unknown purpose `{text}`: no authorisation of a customer and no assessment opens it; leave out what needs it"
        ));
    }
    named("purpose", text, Purpose::NAMED.map(|(name, purpose, _)| (name, purpose)))
}

/// The purpose of a rule: its own joined with those of everything it reads, the stricter each time.
/// `uses` are those that its lane and measure make of it.
///
/// # Errors
/// Which of them does not permit a use, or the review of an appeal, and what it permits.
pub(super) fn joined<'a>(
    rule: Purpose,
    reads: impl IntoIterator<Item = (&'a str, Purpose)>,
    uses: &[Use],
) -> Result<Purpose, Clash> {
    let mut purpose = rule;
    let reads = reads.into_iter().map(|(name, purpose)| (Some(name), purpose));
    for (signal, each) in [(None, rule)].into_iter().chain(reads) {
        for needed in uses.iter().copied().chain([Use::AppealReview]) {
            if !each.permits(needed) {
                let what =
                    signal.map_or("the rule's own purpose".to_owned(), |signal| format!("signal `{signal}`"));
                let message = format!(
                    "{what} does not permit {}, which this rule's measure needs; it has {}: use data that does, or another measure",
                    needed.name(),
                    name(each)
                );
                return Err(Clash { signal: signal.map(str::to_owned), message });
            }
        }
        purpose = purpose.join(each);
    }
    Ok(purpose)
}

/// Why purposes do not fit together.
#[derive(Debug)]
pub(super) struct Clash {
    /// The signal whose purpose it is; the rule's own otherwise.
    pub signal: Option<String>,
    pub message: String,
}

/// The purpose, or `None` with the clash noted: where the condition names the signal, else at `purpose`.
pub(super) fn note_purpose(
    bundle: &mut Bundle,
    path: &str,
    purpose: Result<Purpose, Clash>,
) -> Option<Purpose> {
    match purpose {
        Ok(purpose) => Some(purpose),
        Err(Clash { signal: Some(signal), message }) if bundle.reads(path, &signal) => {
            bundle.blame(path, &signal, message);
            None
        }
        Err(Clash { message, .. }) => {
            bundle.problems.add(path, "purpose", message);
            None
        }
    }
}

/// A purpose as it is written in files, or the uses that a joined one is left with.
fn name(purpose: Purpose) -> String {
    match Purpose::NAMED.iter().find(|(_, known, _)| *known == purpose) {
        Some((name, ..)) => format!("the purpose `{name}`"),
        None => {
            let uses: Vec<&str> = purpose.uses().map(Use::name).collect();
            format!("the purpose {}", uses.join(" + "))
        }
    }
}

/// What was relabelled, for the audit: `rules check` prints it, and the bundle carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relabelled {
    pub signal: String,
    pub from: Purpose,
    pub to: Purpose,
    pub authorisation: String,
    pub decided_on: String,
}

/// Data of abnormal customers serves another use only where the customer themselves says so (APL 18(4)).
fn by_customer(to: Purpose, authorisation: &str) -> Result<(), String> {
    if authorisation != CUSTOMER {
        return Err(format!(
            "data of abnormal customers serves another use under each customer's own authorisation alone (APL 18(4)); write `authorisation = \"{CUSTOMER}\"`: it is granted and revoked by events"
        ));
    }
    if AuthorisedUse::of_purpose(to).is_none() {
        let open: Vec<String> = AuthorisedUse::ALL.iter().map(|one| format!("`{}`", one.name())).collect();
        return Err(format!(
            "no authorisation of a customer opens {}; it opens {}",
            name(to),
            open.join(" or ")
        ));
    }
    Ok(())
}

/// The one way by which data may serve a use that it was not collected for (D18).
///
/// # Errors
/// Shared counts are never relabelled: no consent opens them (APL 16). Every other relabelling needs
/// the number of a recorded authorisation.
pub fn relabel(
    signal: &str,
    from: Purpose,
    to: Purpose,
    authorisation: &str,
    decided_on: &str,
) -> Result<Relabelled, String> {
    if from == Purpose::SHARED_COUNT {
        return Err(
            "shared counts serve openings only; no authorisation opens another use (APL 16)".to_owned()
        );
    }
    if from == Purpose::DEVICE_DATA {
        by_customer(to, authorisation)?;
    } else if authorisation == CUSTOMER {
        return Err(
            "only data of abnormal customers (`device_data`) is opened by each customer's authorisation; write the number of the recorded assessment"
                .to_owned(),
        );
    }
    if authorisation.trim().is_empty() {
        return Err("relabelling needs the number of a recorded authorisation (APL 18(4))".to_owned());
    }
    Ok(Relabelled {
        signal: signal.to_owned(),
        from,
        to,
        authorisation: authorisation.to_owned(),
        decided_on: decided_on.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stricter_purpose_wins() {
        let device = [("device_holders_30d", Purpose::DEVICE_DATA)];
        let joined_purpose = joined(Purpose::ANTI_FRAUD, device, &[Use::AnomalyMeasure]).unwrap();
        assert!(!joined_purpose.permits(Use::VictimProtection));
        let victim = [Use::VictimProtection];
        let message = joined(Purpose::ANTI_FRAUD, device, &victim).unwrap_err().message;
        assert!(
            message.contains("signal `device_holders_30d` does not permit victim_protection"),
            "{message}"
        );
        assert!(message.contains("has the purpose `device_data`"), "{message}");
        let own = joined(Purpose::AML, [], &[Use::AnomalyMeasure]).unwrap_err();
        assert!(own.message.contains("own purpose"));
        assert_eq!(lane_use(Lane::Authority), None);
    }

    #[test]
    fn protections_never_feed_a_measure() {
        let reads = [("livelihood_count_35d", Purpose::PROTECTION)];
        assert!(joined(Purpose::ANTI_FRAUD, reads, &[Use::AnomalyMeasure]).is_err());
    }

    #[test]
    fn no_authorisation_opens_shared_counts() {
        assert!(relabel("a", Purpose::SHARED_COUNT, Purpose::ANTI_FRAUD, "2026-7", "2026-11-23").is_err());
        assert!(relabel("a", Purpose::SHARED_SUBJECT, Purpose::ANTI_FRAUD, " ", "2026-11-23").is_err());
        assert!(relabel("a", Purpose::SHARED_SUBJECT, Purpose::ANTI_FRAUD, "2026-7", "2026-11-23").is_ok());
        assert!(relabel("a", Purpose::SHARED_COUNT, Purpose::VICTIM, CUSTOMER, "2026-11-23").is_err());
    }

    #[test]
    fn only_the_customer_opens_data_of_abnormal_customers_and_only_for_their_own_good() {
        let relabel = |to, by| relabel("a", Purpose::DEVICE_DATA, to, by, "2026-11-23");
        assert!(relabel(Purpose::VICTIM, CUSTOMER).is_ok());
        assert!(relabel(Purpose::PROTECTION, CUSTOMER).is_ok());
        assert!(relabel(Purpose::VICTIM, "2026-7").unwrap_err().contains("customer's own"));
        for (name, to, _) in Purpose::NAMED {
            let may = matches!(to, Purpose::VICTIM | Purpose::PROTECTION);
            assert_eq!(relabel(to, CUSTOMER).is_ok(), may, "{name}");
        }
        for word in NOT_GRANTABLE {
            assert!(purpose(word).unwrap_err().contains("no assessment opens it"), "{word}");
        }
    }
}
