//! Intake: source records in, facts with covered ranges out. Here personal data stops (DESIGN D5).

pub mod files;
pub mod lines;
