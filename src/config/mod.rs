//! Configuration: signals, rules, limits and wording as one bundle; the commands' own settings.

pub mod bundle;
pub mod expression;
pub mod nearest;
