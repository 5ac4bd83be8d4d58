//! Lives: what may follow what, as a table of states, events and guards (DESIGN D1, D9, D26).
//!
//! A table is data (`config/lives/*.toml`): the engine looks the next state up in it, and the same table
//! is printed for a lawyer. What a word of a table *means* is code, one closed vocabulary for each kind of
//! life; so a table can order what is known, and can never ask for what the types forbid.

mod appeal;
mod entry;
mod lead;
mod measure;
mod order;
mod rule;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub use appeal::{AppealAct, AppealEvent, AppealGuard, Appealed, OfAppeal, due_of};
pub use entry::{EntryAct, EntryEvent, EntryGuard, OfEntry};
pub use lead::{LeadAct, LeadEvent, LeadGuard, OfLead};
pub use measure::{MeasureAct, MeasureEvent, MeasureGuard, OfMeasure};
pub use order::{OfOrder, OrderAct, OrderEvent, OrderGuard};
pub use rule::{OfRule, RuleAct, RuleEvent, RuleGuard};

use super::base::{Bilingual, SpanMs};

/// One word that may stand in a table.
pub trait Word: Copy + Eq + fmt::Debug + 'static {
    const ALL: &'static [Self];

    fn name(self) -> &'static str;

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|word| word.name() == name)
    }
}

/// Declares the words of one column of a vocabulary, with their names in tables.
macro_rules! words {
    ($(#[$about:meta])* $kind:ident { $($(#[$doc:meta])* $word:ident $name:literal,)* }) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $(#[$about])*
        pub enum $kind { $($(#[$doc])* $word,)* }

        impl $crate::engine::life::Word for $kind {
            const ALL: &'static [$kind] = &[$($kind::$word,)*];

            fn name(self) -> &'static str {
                match self { $($kind::$word => $name,)* }
            }
        }
    };
}
pub(crate) use words;

/// What the tables of one kind of life are written in.
pub trait Vocabulary: fmt::Debug + Clone + Copy + PartialEq + Eq + 'static {
    /// `kind` in the table's file.
    const KIND: &'static str;
    /// The event of a state's own deadline.
    const DUE: Self::On;
    /// What lives so brings its own end along (an order, an entry): the table has no deadlines then, for
    /// no term is made up (law.md B20).
    const HAS_OWN_END: bool = false;
    /// Dated spans that the engine asks the table for, besides deadlines of states.
    const FIGURES: &'static [&'static str] = &[];
    /// What happens.
    type On: Word;
    /// What must hold besides.
    type If: Word;
    /// What is done.
    type Do: Word;
}

/// The table of one life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life<V: Vocabulary> {
    /// The name of its file.
    pub id: String,
    pub version: u32,
    pub title: Bilingual,
    /// Key into the table of legal bases.
    pub basis: String,
    /// The state it begins in, by number.
    pub first: usize,
    /// In the order of their names.
    pub states: Vec<State>,
    /// In the order in which they are tried.
    pub steps: Vec<Step<V>>,
    /// How long each measure lasts that its steps set, by the measure's name.
    pub terms: BTreeMap<String, SpanMs>,
    /// The figures of its vocabulary, in that order.
    pub figures: Vec<SpanMs>,
}

/// A state of a life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Kept with what lives, so that a later table finds it again.
    pub name: Arc<str>,
    pub title: Bilingual,
    /// Its own deadline, counted from when it was entered.
    pub due: Option<Due>,
    /// Nothing follows.
    pub is_last: bool,
}

/// The deadline of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    pub after: SpanMs,
    /// It worsens somebody's position and therefore waits until every source has been read (D9).
    pub worsens: bool,
}

/// What follows on an event in a state. A step that stays where it is leaves the deadline as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step<V: Vocabulary> {
    pub from: usize,
    pub on: V::On,
    /// All must hold.
    pub only_if: Vec<V::If>,
    pub to: usize,
    /// Done in this order, after the state was entered.
    pub acts: Vec<V::Do>,
}

impl<V: Vocabulary> Life<V> {
    /// The first step for an event in a state whose guards all hold; none when nothing follows, or when
    /// this table does not know the state.
    pub fn next(&self, state: &str, on: V::On, mut holds: impl FnMut(V::If) -> bool) -> Option<&Step<V>> {
        self.steps.iter().find(|step| {
            step.on == on
                && self.state(step.from).is_some_and(|from| &*from.name == state)
                && step.only_if.iter().all(|guard| holds(*guard))
        })
    }

    #[must_use]
    pub fn state(&self, number: usize) -> Option<&State> {
        self.states.get(number)
    }

    #[must_use]
    pub fn state_named(&self, name: &str) -> Option<&State> {
        self.states.iter().find(|state| &*state.name == name)
    }

    /// Whether anything follows on an event in any state.
    #[must_use]
    pub fn awaits(&self, on: V::On) -> bool {
        self.steps.iter().any(|step| step.on == on)
    }

    /// The deadline of the first state that an event leads to from another one.
    #[must_use]
    pub fn due_after(&self, on: V::On) -> Option<Due> {
        let step = self.steps.iter().find(|step| step.on == on && step.from != step.to)?;
        self.state(step.to)?.due
    }

    /// The state it begins in; a table that loaded has one.
    #[must_use]
    pub fn beginning(&self) -> Option<&State> {
        self.state(self.first)
    }
}

/// The tables of a rule set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lives {
    /// Each with the measures that live it, in the order of the tables' ids; a measure lives one at most.
    pub measures: Vec<(Vec<&'static str>, Life<OfMeasure>)>,
    pub appeal: Option<Life<OfAppeal>>,
    pub order: Option<Life<OfOrder>>,
    pub entry: Option<Life<OfEntry>>,
    pub rule: Option<Life<OfRule>>,
    pub lead: Option<Life<OfLead>>,
}

impl Lives {
    /// The life of a measure, by the measure's name; one without a table only expires.
    #[must_use]
    pub fn of_measure(&self, measure: &str) -> Option<&Life<OfMeasure>> {
        self.measures.iter().find(|(of, _)| of.contains(&measure)).map(|(_, life)| life)
    }
}
