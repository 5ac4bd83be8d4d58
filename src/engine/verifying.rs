//! How a person is told and verified: ways of delivery, methods of verification, and which risk a
//! method serves (APL 11, 18, 33; law.md L3, L15, T3, T4).

use super::base::{Bilingual, SpanMs, TimeMs};
use super::life::words;

words! {
    /// How grave what a rule saw is, by the rule's own statement. It grades the method of a verification
    /// and what follows when none was passed (law.md L3).
    #[derive(Default)]
    Risk {
        Low "low",
        #[default]
        Medium "medium",
        High "high",
    }
}

words! {
    /// Ways to deliver a notice.
    DeliveryChannel {
        /// In the institution's own app.
        App "app",
        Sms "sms",
        /// A call by a person.
        Call "call",
        Letter "letter",
    }
}

words! {
    /// Ways to verify somebody. What each asks of them is worded in `notices/verifying.toml`.
    VerificationMethod {
        /// In person, with the identity document.
        Counter "counter",
        /// Online: the risk notice ticked and read aloud before a camera (law.md T4).
        OnlineReading "online_reading",
        /// Confirmed in the app that the person uses already.
        AppConfirm "app_confirm",
        /// A member of staff calls back.
        CallBack "call_back",
        /// The national network identity service: voluntary (APL 33).
        NetworkIdentity "network_identity",
    }
}

impl VerificationMethod {
    /// Whether it asks for no phone and no network.
    #[must_use]
    pub fn is_in_person(self) -> bool {
        self == VerificationMethod::Counter
    }

    /// Whether the law leaves it to the person to use it at all (APL 33).
    #[must_use]
    pub fn is_voluntary(self) -> bool {
        self == VerificationMethod::NetworkIdentity
    }
}

/// The declared ways, in the order in which they are offered and tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verifying {
    pub channels: Vec<DeliveryChannel>,
    pub methods: Vec<MethodText>,
}

/// One method, and the risks that it serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodText {
    pub method: VerificationMethod,
    pub text: Bilingual,
    pub risks: Vec<Risk>,
}

impl Verifying {
    /// Whether a verification by this method is enough at that risk.
    #[must_use]
    pub fn serves(&self, method: VerificationMethod, risk: Risk) -> bool {
        self.methods.iter().any(|known| known.method == method && known.risks.contains(&risk))
    }

    /// The first way of delivery that was not tried.
    #[must_use]
    pub fn next_channel(&self, tried: &[DeliveryChannel]) -> Option<DeliveryChannel> {
        self.channels.iter().copied().find(|channel| !tried.contains(channel))
    }

    /// What a person may choose from at that risk, in the declared order.
    pub fn offered(&self, risk: Risk) -> impl Iterator<Item = &Bilingual> {
        self.methods.iter().filter(move |known| known.risks.contains(&risk)).map(|known| &known.text)
    }
}

/// What a notice says of verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HowToVerify {
    /// Nothing is asked.
    NotAsked,
    /// Any one of these is enough.
    Asked {
        methods: Vec<Bilingual>,
        /// The time that runs from when the notice is delivered, if one does.
        within: Option<SpanMs>,
        /// When it ends, once that is known.
        until: Option<TimeMs>,
    },
}
