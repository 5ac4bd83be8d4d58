//! Intake: source records in, facts with covered ranges out. Here personal data stops (DESIGN D5 to D8).

pub mod announce;
pub mod classify;
pub mod covered;
pub mod dead_letter;
pub mod desk;
pub mod feed;
pub mod files;
pub mod first_start;
pub mod lanes;
pub mod lines;
pub mod orders;
pub mod pack;
pub mod refusal;
pub mod rekey;
pub mod release;
pub mod run;
pub mod sender;
pub mod skip;
pub mod versions;
pub mod watch;
