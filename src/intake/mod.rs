//! Intake: source records in, facts with covered ranges out. Here personal data stops (DESIGN D5 to D8).

pub mod classify;
pub mod files;
pub mod lines;
pub mod pack;
pub mod refusal;
