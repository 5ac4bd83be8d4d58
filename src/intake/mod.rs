//! Records of sources to facts: where personal data stops (DESIGN D5 to D8).

pub mod refusal;
