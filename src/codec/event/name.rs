//! Fields whose value is a name out of a closed list.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::fault::Fault;
use crate::engine::appeal::{AppealReason, Paper};
use crate::engine::authorisation::TraceClass;
use crate::engine::base::Currency;
use crate::engine::declared::{CardRisk, OwnersSource, Scene, TrafficClass};
use crate::engine::entry::{Category, ListingTest, Regime};
use crate::engine::fact::{AppealOutcome, Channel, Essential, HolderKind, Product, UsageKind};
use crate::engine::kept::HoldClass;
use crate::engine::lead::LeadOutcome;
use crate::engine::life::{Word, words};
use crate::engine::order::{Level, OrderAnswer, OrderKind};
use crate::engine::subject::SubjectKind;
use crate::engine::verifying::{DeliveryChannel, VerificationMethod};

/// Declares a field whose value is one of a closed list of names of an engine type.
macro_rules! named_field {
    ($(#[doc = $doc:literal])* $field:ident($inner:ty), $from_name:expr, $name:expr, $fault:expr, $schema:tt) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $field(pub $inner);

        impl Serialize for $field {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let name: fn(&$inner) -> &str = $name;
                serializer.serialize_str(name(&self.0))
            }
        }

        impl<'de> Deserialize<'de> for $field {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Named;
                impl Visitor<'_> for Named {
                    type Value = $field;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a known name")
                    }
                    fn visit_str<E: Error>(self, text: &str) -> Result<$field, E> {
                        let from_name: fn(&str) -> Option<$inner> = $from_name;
                        let fault: Option<Fault> = $fault;
                        from_name(text).map($field).ok_or_else(|| match fault {
                            Some(fault) => E::custom(fault),
                            None => E::invalid_value(Unexpected::Other("name"), &self),
                        })
                    }
                }
                deserializer.deserialize_str(Named)
            }
        }

        impl JsonSchema for $field {
            fn schema_name() -> Cow<'static, str> {
                stringify!($field).into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

named_field!(
    /// ISO 4217.
    CurrencyCode(Currency),
    Currency::parse,
    Currency::as_str,
    Some(Fault::CurrencyUnknown),
    { "type": "string", "pattern": "^[A-Z]{3}$" }
);
named_field!(
    /// A class of product that limits count, by its name.
    ProductName(Product),
    Product::from_name,
    |product| product.name(),
    None,
    { "type": "string", "enum": Product::ALL.map(Product::name) }
);
named_field!(
    /// Person or unit.
    HolderKindName(HolderKind),
    |name| match name {
        "person" => Some(HolderKind::Person),
        "unit" => Some(HolderKind::Unit),
        _ => None,
    },
    |kind| match kind {
        HolderKind::Person => "person",
        HolderKind::Unit => "unit",
    },
    None,
    { "type": "string", "enum": ["person", "unit"] }
);
named_field!(
    /// How an appeal was decided.
    OutcomeName(AppealOutcome),
    |name| match name {
        "upheld" => Some(AppealOutcome::Upheld),
        "overturned" => Some(AppealOutcome::Overturned),
        _ => None,
    },
    |outcome| match outcome {
        AppealOutcome::Upheld => "upheld",
        AppealOutcome::Overturned => "overturned",
    },
    None,
    { "type": "string", "enum": ["upheld", "overturned"] }
);
named_field!(
    /// Why a person appeals.
    AppealReasonName(AppealReason),
    AppealReason::from_name,
    |reason| reason.name(),
    None,
    { "type": "string", "enum": AppealReason::ALL.iter().map(|reason| reason.name()).collect::<Vec<_>>() }
);
named_field!(
    /// A paper that was brought or is asked for.
    PaperName(Paper),
    Paper::from_name,
    |paper| paper.name(),
    None,
    { "type": "string", "enum": Paper::ALL.iter().map(|paper| paper.name()).collect::<Vec<_>>() }
);

words! {
    /// What a person decided; with `milder` the event names the measure.
    DecisionKind {
        Confirm "confirm",
        Lift "lift",
        Milder "milder",
    }
}

named_field!(
    /// What a person decided about an automated measure.
    HumanDecisionName(DecisionKind),
    DecisionKind::from_name,
    |kind| kind.name(),
    None,
    { "type": "string", "enum": DecisionKind::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>() }
);
named_field!(
    /// What is to be held.
    HoldClassName(HoldClass),
    |name| HoldClass::ALL.into_iter().find(|class| class.name() == name),
    |class| class.name(),
    None,
    { "type": "string", "enum": HoldClass::ALL.map(HoldClass::name) }
);
named_field!(
    /// A class of data of Art. 18(4).
    TraceClassName(TraceClass),
    TraceClass::from_name,
    |class| class.name(),
    None,
    { "type": "string", "enum": names::<TraceClass>() }
);
named_field!(
    /// How a transfer was asked for.
    ChannelName(Channel),
    |name| coded(&Channel::WORDS, name).and_then(Channel::from_code),
    |channel| word(&Channel::WORDS, *channel as u8),
    None,
    { "type": "string", "enum": Channel::WORDS.map(|(name, _)| name) }
);
named_field!(
    /// Money that nothing may stop, by its kind.
    EssentialName(Essential),
    |name| coded(&ESSENTIAL, name).and_then(Essential::from_code),
    |essential| word(&ESSENTIAL, *essential as u8),
    None,
    { "type": "string", "enum": ESSENTIAL.map(|(name, _)| name) }
);
named_field!(
    /// What a card was used for.
    UsageName(UsageKind),
    |name| coded(&UsageKind::WORDS, name).and_then(UsageKind::from_code),
    |usage| word(&UsageKind::WORDS, *usage as u8),
    None,
    { "type": "string", "enum": UsageKind::WORDS.map(|(name, _)| name) }
);

named_field!(
    /// Where an IoT card's traffic may go.
    TrafficName(TrafficClass),
    |name| coded(TrafficClass::WORDS, name).and_then(TrafficClass::from_code),
    |traffic| word(TrafficClass::WORDS, *traffic as u8),
    None,
    { "type": "string", "enum": coded_names(TrafficClass::WORDS) }
);
named_field!(
    /// What an IoT card is sold for.
    SceneName(Scene),
    |name| coded(Scene::WORDS, name).and_then(Scene::from_code),
    |scene| word(Scene::WORDS, *scene as u8),
    None,
    { "type": "string", "enum": coded_names(Scene::WORDS) }
);
named_field!(
    /// How risky the use of an IoT card was assessed to be.
    CardRiskName(CardRisk),
    |name| coded(CardRisk::WORDS, name).and_then(CardRisk::from_code),
    |risk| word(CardRisk::WORDS, *risk as u8),
    None,
    { "type": "string", "enum": coded_names(CardRisk::WORDS) }
);
named_field!(
    /// How an assessment came out: true is passed.
    AssessmentName(bool),
    |name| match name {
        "passed" => Some(true),
        "failed" => Some(false),
        _ => None,
    },
    |passed| if *passed { "passed" } else { "failed" },
    None,
    { "type": "string", "enum": ["passed", "failed"] }
);
named_field!(
    /// What a reseller is to us: an agent or an outlet.
    ResellerName(SubjectKind),
    |name| match name {
        "agent" => Some(SubjectKind::Agent),
        "outlet" => Some(SubjectKind::Outlet),
        _ => None,
    },
    |kind| kind.name(),
    None,
    { "type": "string", "enum": ["agent", "outlet"] }
);
named_field!(
    /// Where a declaration of beneficial owners comes from.
    OwnersSourceName(OwnersSource),
    |name| coded(OwnersSource::WORDS, name).and_then(OwnersSource::from_code),
    |source| word(OwnersSource::WORDS, *source as u8),
    None,
    { "type": "string", "enum": coded_names(OwnersSource::WORDS) }
);

fn coded_names(words: &[(&'static str, i64)]) -> Vec<&'static str> {
    words.iter().map(|(name, _)| *name).collect()
}

named_field!(
    /// A way to deliver a notice.
    DeliveryName(DeliveryChannel),
    DeliveryChannel::from_name,
    |channel| channel.name(),
    None,
    { "type": "string", "enum": names::<DeliveryChannel>() }
);
named_field!(
    /// A way to verify somebody.
    MethodName(VerificationMethod),
    VerificationMethod::from_name,
    |method| method.name(),
    None,
    { "type": "string", "enum": names::<VerificationMethod>() }
);

fn names<W: Word>() -> Vec<&'static str> {
    W::ALL.iter().map(|word| word.name()).collect()
}

named_field!(
    /// What became of a lead.
    LeadOutcomeName(LeadOutcome),
    LeadOutcome::from_name,
    |outcome| outcome.name(),
    None,
    { "type": "string", "enum": names::<LeadOutcome>() }
);
named_field!(
    /// A subject that is nobody's own.
    LeadSubjectName(SubjectKind),
    |name| LEAD_SUBJECTS.into_iter().find(|kind| kind.name() == name),
    |kind| kind.name(),
    None,
    { "type": "string", "enum": LEAD_SUBJECTS.map(SubjectKind::name) }
);

/// The shared subjects that a lead can be about.
const LEAD_SUBJECTS: [SubjectKind; 5] = [
    SubjectKind::Device,
    SubjectKind::Agent,
    SubjectKind::Outlet,
    SubjectKind::Terminal,
    SubjectKind::PhoneNumber,
];

named_field!(
    /// The level of an authority.
    LevelName(Level),
    Level::from_name,
    |level| level.name(),
    None,
    { "type": "string", "enum": Level::ALL.map(Level::name) }
);
named_field!(
    /// What an order asks for.
    OrderKindName(OrderKind),
    OrderKind::from_name,
    |kind| kind.name(),
    None,
    { "type": "string", "enum": OrderKind::ALL.map(OrderKind::name) }
);
named_field!(
    /// What staff did about an order, or why they could not.
    OrderAnswerName(OrderAnswer),
    OrderAnswer::from_name,
    |answer| answer.name(),
    None,
    { "type": "string", "enum": OrderAnswer::ALL.map(OrderAnswer::name) }
);

named_field!(
    /// The category of a list entry.
    CategoryName(Category),
    Category::from_name,
    |category| category.name(),
    None,
    { "type": "string", "enum": Category::ALL.map(Category::name) }
);
named_field!(
    /// The test that a list entry rests on.
    ListingTestName(ListingTest),
    ListingTest::from_name,
    |test| test.name(),
    None,
    { "type": "string", "enum": ListingTest::ALL.map(ListingTest::name) }
);
named_field!(
    /// The rules that a list entry was made under.
    RegimeName(Regime),
    |name| match name {
        "current" => Some(Regime::Current),
        "legacy" => Some(Regime::Legacy),
        _ => None,
    },
    |regime| match regime {
        Regime::Current => "current",
        Regime::Legacy => "legacy",
    },
    None,
    { "type": "string", "enum": ["current", "legacy"] }
);

impl RegimeName {
    /// The word in events, which is signed too.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            Regime::Current => "current",
            Regime::Legacy => "legacy",
        }
    }
}

/// When the person is told of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeWhen {
    Now,
    Deferred,
    ByAuthority,
}

impl NoticeWhen {
    const WORDS: [(&str, i64); 3] = [("now", 0), ("deferred", 1), ("by_authority", 2)];

    /// The word in events, which is signed too.
    #[must_use]
    pub fn name(self) -> &'static str {
        word(&NoticeWhen::WORDS, self as u8)
    }
}

named_field!(
    /// When the person is told of an order.
    NoticeName(NoticeWhen),
    |name| match coded(&NoticeWhen::WORDS, name) {
        Some(0) => Some(NoticeWhen::Now),
        Some(1) => Some(NoticeWhen::Deferred),
        Some(2) => Some(NoticeWhen::ByAuthority),
        _ => None,
    },
    |when| when.name(),
    None,
    { "type": "string", "enum": NoticeWhen::WORDS.map(|(name, _)| name) }
);

const ESSENTIAL: [(&str, i64); 6] = [
    ("salary", Essential::Salary as i64),
    ("pension", Essential::Pension as i64),
    ("tax", Essential::Tax as i64),
    ("social_insurance", Essential::SocialInsurance as i64),
    ("utility", Essential::Utility as i64),
    ("medical", Essential::Medical as i64),
];

fn coded(words: &[(&str, i64)], name: &str) -> Option<u8> {
    let (_, code) = words.iter().find(|(known, _)| *known == name)?;
    u8::try_from(*code).ok()
}

/// The word for a number; empty for what is not stated, which is never written.
fn word(words: &'static [(&'static str, i64)], code: u8) -> &'static str {
    words.iter().find(|(_, known)| *known == i64::from(code)).map_or("", |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back_and_no_other() {
        let read = |text: &str| serde_json::from_value::<ChannelName>(text.into());
        for channel in Channel::ALL.into_iter().filter(|channel| *channel != Channel::Unstated) {
            let text = serde_json::to_value(ChannelName(channel)).unwrap();
            assert_eq!(read(text.as_str().unwrap()).unwrap(), ChannelName(channel));
        }
        for essential in Essential::ALL.into_iter().filter(|essential| *essential != Essential::No) {
            let text = serde_json::to_value(EssentialName(essential)).unwrap();
            assert_eq!(serde_json::from_value::<EssentialName>(text).unwrap(), EssentialName(essential));
        }
        for usage in UsageKind::ALL.into_iter().filter(|usage| *usage != UsageKind::Unstated) {
            let text = serde_json::to_value(UsageName(usage)).unwrap();
            assert_eq!(serde_json::from_value::<UsageName>(text).unwrap(), UsageName(usage));
        }
        for text in ["", "unstated", "Counter", "no"] {
            assert_eq!(Fault::of_json(&read(text).unwrap_err()), Fault::FieldInvalid, "{text}");
        }
    }
}
