//! Purpose limitation as a small lattice (DESIGN D18 to D20).
//!
//! A purpose is the set of uses it permits. Joining two purposes keeps the uses both permit, so the
//! result is never looser than either: "joining signals takes the stricter". An empty set permits
//! nothing and does not load. There is no way to add a use except `relabel`, which is named and audited.
//!
//! What is *not* a use cannot be asked for: scoring, marketing, opinion, health, acquaintance (D20)
//! have no variant here.

/// What a piece of data may be used for. The closed list of D18.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Use {
    /// Answer a request to open under a statutory count (APL 10, 16).
    OpeningLimit = 0,
    /// A measure on an anomaly (APL 11, 12, 18).
    AnomalyMeasure = 1,
    /// Warn, call, cool off a likely victim (APL 34).
    VictimProtection = 2,
    /// Anti-money-laundering review (AML law).
    AmlReview = 3,
    /// Review of an appeal (APL 32).
    AppealReview = 4,
    /// Measuring how well a rule does.
    RuleQuality = 5,
    /// Softening or removing a measure.
    Softening = 6,
    /// Carry out an order or entry of an authority (APL 20, 31). No signal serves it.
    AuthorityOrder = 7,
}

impl Use {
    pub const ALL: [Use; 8] = [
        Use::OpeningLimit,
        Use::AnomalyMeasure,
        Use::VictimProtection,
        Use::AmlReview,
        Use::AppealReview,
        Use::RuleQuality,
        Use::Softening,
        Use::AuthorityOrder,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Use::OpeningLimit => "opening_limit",
            Use::AnomalyMeasure => "anomaly_measure",
            Use::VictimProtection => "victim_protection",
            Use::AmlReview => "aml_review",
            Use::AppealReview => "appeal_review",
            Use::RuleQuality => "rule_quality",
            Use::Softening => "softening",
            Use::AuthorityOrder => "authority_order",
        }
    }
}

/// The uses a signal, report, disposition or evidence row may serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Purpose(u8);

impl Purpose {
    const fn of(uses: &[Use]) -> Purpose {
        let mut bits = 0;
        let mut i = 0;
        while i < uses.len() {
            bits |= 1 << uses[i] as u8;
            i += 1;
        }
        Purpose(bits)
    }

    /// Own transaction and opening data held to prevent fraud (APL 10, 11, 12, 18).
    pub const ANTI_FRAUD: Purpose = Purpose::of(&[
        Use::OpeningLimit,
        Use::AnomalyMeasure,
        Use::VictimProtection,
        Use::AppealReview,
        Use::RuleQuality,
        Use::Softening,
    ]);
    /// Counts shared under Art. 16 (and, as our policy, Art. 10): no consent opens another use.
    pub const SHARED_COUNT: Purpose = Purpose::of(&[Use::OpeningLimit, Use::AppealReview]);
    /// Address, device and location data of abnormal customers, Art. 18(4).
    pub const DEVICE_DATA: Purpose = Purpose::of(&[Use::AnomalyMeasure, Use::AppealReview]);
    /// A device, agent or number as a subject of its own, on a basis its source records (D18).
    pub const SHARED_SUBJECT: Purpose =
        Purpose::of(&[Use::OpeningLimit, Use::AnomalyMeasure, Use::AppealReview, Use::RuleQuality]);
    /// Protecting likely victims, Art. 34: never evidence of suspicion.
    pub const VICTIM: Purpose = Purpose::of(&[Use::VictimProtection, Use::AppealReview]);
    pub const AML: Purpose = Purpose::of(&[Use::AmlReview]);
    pub const APPEAL: Purpose = Purpose::of(&[Use::AppealReview]);
    pub const RULE_QUALITY: Purpose = Purpose::of(&[Use::RuleQuality]);
    /// May only soften or remove a measure.
    pub const PROTECTION: Purpose = Purpose::of(&[Use::Softening, Use::AppealReview]);
    /// What rests on an authority's signed order alone. It has no name in files, so no signal, rule or
    /// protection can be declared for it.
    pub const AUTHORITY: Purpose = Purpose::of(&[Use::AuthorityOrder, Use::AppealReview]);

    /// Named points of the lattice: name in files, the purpose, its W3C DPV term.
    pub const NAMED: [(&'static str, Purpose, &'static str); 9] = [
        ("anti_fraud", Purpose::ANTI_FRAUD, "dpv:FraudPreventionAndDetection"),
        ("shared_count", Purpose::SHARED_COUNT, "dpv:LegalCompliance"),
        ("device_data", Purpose::DEVICE_DATA, "dpv:FraudPreventionAndDetection"),
        ("shared_subject", Purpose::SHARED_SUBJECT, "dpv:FraudPreventionAndDetection"),
        ("victim", Purpose::VICTIM, "dpv:ProtectionOfPublicSecurity"),
        ("aml", Purpose::AML, "dpv:CounterMoneyLaundering"),
        ("appeal", Purpose::APPEAL, "dpv:FulfilmentOfObligation"),
        ("rule_quality", Purpose::RULE_QUALITY, "dpv:ServiceOptimisation"),
        ("protection", Purpose::PROTECTION, "dpv:RightsFulfilment"),
    ];

    #[must_use]
    pub fn from_name(name: &str) -> Option<Purpose> {
        Purpose::NAMED.iter().find(|(known, _, _)| *known == name).map(|(_, purpose, _)| *purpose)
    }

    /// The stricter of two: only what both permit.
    #[must_use]
    pub fn join(self, other: Purpose) -> Purpose {
        Purpose(self.0 & other.0)
    }

    #[must_use]
    pub fn permits(self, wanted: Use) -> bool {
        self.0 & (1 << wanted as u8) != 0
    }

    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names of the permitted uses, in a fixed order.
    pub fn uses(self) -> impl Iterator<Item = Use> {
        Use::ALL.into_iter().filter(move |wanted| self.permits(*wanted))
    }

    #[must_use]
    pub fn bits(self) -> u8 {
        self.0
    }

    /// Reads what `bits` wrote.
    #[must_use]
    pub fn from_bits(bits: u8) -> Purpose {
        Purpose(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joining_never_adds_a_use() {
        for (_, a, _) in Purpose::NAMED {
            for (_, b, _) in Purpose::NAMED {
                let joined = a.join(b);
                assert_eq!(joined, b.join(a));
                for wanted in Use::ALL {
                    assert_eq!(joined.permits(wanted), a.permits(wanted) && b.permits(wanted));
                }
            }
        }
    }

    #[test]
    fn shared_counts_never_serve_a_measure_on_an_anomaly() {
        assert!(!Purpose::SHARED_COUNT.permits(Use::AnomalyMeasure));
        assert!(Purpose::SHARED_COUNT.join(Purpose::AML).is_empty());
    }

    #[test]
    fn what_an_authority_orders_rests_on_no_data_of_ours() {
        assert_eq!(Purpose::from_name("authority"), None, "no file can declare a signal for it");
        for (name, purpose, _) in Purpose::NAMED {
            assert!(!purpose.permits(Use::AuthorityOrder), "{name}");
            assert!(!purpose.join(Purpose::AUTHORITY).permits(Use::AuthorityOrder), "{name}");
        }
        assert!(!Purpose::AUTHORITY.permits(Use::AnomalyMeasure));
    }

    #[test]
    fn victim_data_is_never_suspicion() {
        assert!(!Purpose::VICTIM.permits(Use::AnomalyMeasure));
        assert!(!Purpose::VICTIM.join(Purpose::ANTI_FRAUD).permits(Use::AnomalyMeasure));
    }
}
