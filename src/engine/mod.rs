//! The pure core: facts in, effects out. No I/O, clock, randomness, async, logging or map order.
//!
//! Read in this order: `base`, `subject`, `fact` (what happened), `calendar`, `signal`, `window` (what
//! is measured), `condition`, `rule`, `limit`, `protection` (what is asked for, and softened), `measure`, `notice`, `evidence`, `disposition`
//! (what is published), `appeal` (what people decide), `report` (what partitions tell each other), `cover` (exactly once),
//! `input` (records and effects), and last the state machine itself.

pub mod appeal;
pub mod attributes;
pub mod authorisation;
pub mod base;
pub mod calendar;
pub mod condition;
pub mod cover;
pub mod declared;
pub mod disposition;
pub mod entry;
pub mod evidence;
pub mod fact;
pub mod guard;
pub mod holder;
pub mod ident;
pub mod input;
pub mod invariant;
pub mod kept;
pub mod lead;
pub mod life;
pub mod limit;
pub mod measure;
pub mod need;
pub mod notice;
pub mod order;
pub mod partition;
pub mod planted;
pub mod prefetch;
pub mod protection;
pub mod purpose;
pub mod reached;
pub mod report;
pub mod retention;
pub mod rule;
pub mod ruleset;
pub mod seen;
pub mod signal;
pub mod special;
pub mod state;
pub mod subject;
pub mod table;
pub mod timer;
pub mod told;
pub mod verifying;
pub mod window;

/// Number of the engine's semantics (D13). It changes when the same log would decide differently.
pub const SEMANTICS: u32 = 3;

/// The number of bundles that do not name one: they are older than the number.
pub const SEMANTICS_UNNAMED: u32 = 2;

/// How a rule set is made from the text of an activation fact. `config` implements it.
pub trait LoadRules {
    /// Compiles a bundle.
    ///
    /// # Errors
    /// What is wrong with it; intake refuses such a bundle, so a partition stops on one.
    fn load(&self, bundle: &str) -> Result<std::sync::Arc<ruleset::RuleSet>, String>;

    /// The highest number of engine semantics that is spoken here (D13). A bundle that asks for more does not load.
    fn speaks(&self) -> u32 {
        SEMANTICS
    }

    /// The number of engine semantics that a bundle asks for, whether it loads or not.
    fn asked(&self, _bundle: &str) -> u32 {
        SEMANTICS_UNNAMED
    }
}
