//! The packed binary form of facts records.
