//! A lead published as if it were a measure (APL 26): nobody is restricted by one.
use duecourse::engine::disposition::Disposition;
use duecourse::engine::lead::LeadSent;

fn act(sent: LeadSent) -> Disposition {
    Disposition::MeasureSet(sent)
}

fn main() {}
