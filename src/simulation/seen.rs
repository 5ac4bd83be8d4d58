//! What was seen on the way through a world: one that shows little proves little.

use std::fmt;

/// One kind of thing that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    // How often, over all worlds.
    Crashes,
    Freezes,
    Lies,
    Stops,
    Recreations,
    Versions,
    /// Ranges of a source that retention took before all had covered them, and an operator's orders to skip them.
    Losses,
    Skips,
    /// Offsets that were skipped.
    Skipped,
    /// Partitions that came back out of a snapshot.
    Restored,
    // In how many worlds: a deciding process died while...
    /// an order's measure was in force;
    OrderAtCrash,
    /// an appeal or a request for a human decision was undecided;
    AppealAtCrash,
    /// somebody had been told to verify themselves, and had not been heard of;
    VerificationAtCrash,
    // and in how many of these it went on to its end:
    /// the order's measure ended;
    OrderOverAfter,
    /// the appeal was decided;
    AppealDecidedAfter,
    /// the verification was passed or failed.
    VerificationAfter,
    // How many dispositions were published of these.
    Verified,
    /// By an appeal or a person.
    Lifted,
    Expired,
    Released,
    Corrected,
    /// A measure that followed, since a verification was failed or not done.
    Followed,
    AppealsAnswered,
    /// Because nobody had answered in time.
    AppealsOverdue,
    OpeningsOfListed,
}

impl Sight {
    pub const ALL: [Sight; 25] = [
        Sight::Crashes,
        Sight::Freezes,
        Sight::Lies,
        Sight::Stops,
        Sight::Recreations,
        Sight::Versions,
        Sight::Losses,
        Sight::Skips,
        Sight::Skipped,
        Sight::Restored,
        Sight::OrderAtCrash,
        Sight::AppealAtCrash,
        Sight::VerificationAtCrash,
        Sight::OrderOverAfter,
        Sight::AppealDecidedAfter,
        Sight::VerificationAfter,
        Sight::Verified,
        Sight::Lifted,
        Sight::Expired,
        Sight::Released,
        Sight::Corrected,
        Sight::Followed,
        Sight::AppealsAnswered,
        Sight::AppealsOverdue,
        Sight::OpeningsOfListed,
    ];

    /// What of a disposition's text tells it, for those that are told by dispositions.
    pub const TOLD: [(Sight, &'static str); 11] = [
        (Sight::Verified, r#""cause":"verified""#),
        (Sight::Lifted, r#""cause":"overturned""#),
        (Sight::Lifted, r#""cause":"lifted_by_person""#),
        (Sight::Expired, r#""cause":"expired""#),
        (Sight::Released, r#""cause":"released""#),
        (Sight::Corrected, r#""cause":"corrected""#),
        (Sight::Followed, r#""cause":"followed""#),
        (Sight::AppealsAnswered, "appeal_answered.v1"),
        (Sight::AppealsOverdue, r#""answer":"overdue""#),
        (Sight::AppealsOverdue, r#""answer":"human_decision_due""#),
        (Sight::OpeningsOfListed, r#""measure":"listed_refuse_opening""#),
    ];
}

/// How often each was seen.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen([u64; Sight::ALL.len()]);

impl Seen {
    pub fn add(&mut self, sight: Sight, count: u64) {
        self.0[sight as usize] += count;
    }

    pub fn of(&self, sight: Sight) -> u64 {
        self.0[sight as usize]
    }

    pub fn and(mut self, other: Seen) -> Seen {
        Sight::ALL.into_iter().for_each(|sight| self.add(sight, other.of(sight)));
        self
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(Sight::ALL.map(|sight| (sight, self.of(sight)))).finish()
    }
}
