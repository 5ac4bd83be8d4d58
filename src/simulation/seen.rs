//! What was seen on the way through a world: one that shows little proves little.

use std::fmt;

use crate::codec::output::Topic;

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
    /// a lead waited for its answer;
    LeadAtCrash,
    /// an authorisation held;
    AuthorisationAtCrash,
    /// a special measure stood or was to;
    SpecialAtCrash,
    /// an order to hold what is kept of somebody held;
    HoldAtCrash,
    // and in how many of these it went on to its end:
    /// the order's measure ended;
    OrderOverAfter,
    /// the appeal was decided;
    AppealDecidedAfter,
    /// the verification was passed or failed;
    VerificationAfter,
    /// the lead was answered;
    LeadAnsweredAfter,
    /// the authorisation was taken back;
    AuthorisationRevokedAfter,
    /// the special measure was released;
    SpecialReleasedAfter,
    /// the hold was released.
    HoldReleasedAfter,
    // How many records were published of these.
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
    LeadsSent,
    LeadsAnswered,
    LeadsOverdue,
    /// Since as many as may wait were waiting.
    LeadsBraked,
    /// By what an authorisation opened.
    Authorised,
    /// Requests that were looked into while a special measure stood.
    AreaChecks,
    /// Under data of abnormal customers.
    Places,
}

impl Sight {
    pub const ALL: [Sight; 40] = [
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
        Sight::LeadAtCrash,
        Sight::AuthorisationAtCrash,
        Sight::SpecialAtCrash,
        Sight::HoldAtCrash,
        Sight::VerificationAfter,
        Sight::LeadAnsweredAfter,
        Sight::AuthorisationRevokedAfter,
        Sight::SpecialReleasedAfter,
        Sight::HoldReleasedAfter,
        Sight::Verified,
        Sight::Lifted,
        Sight::Expired,
        Sight::Released,
        Sight::Corrected,
        Sight::Followed,
        Sight::AppealsAnswered,
        Sight::AppealsOverdue,
        Sight::OpeningsOfListed,
        Sight::LeadsSent,
        Sight::LeadsAnswered,
        Sight::LeadsOverdue,
        Sight::LeadsBraked,
        Sight::Authorised,
        Sight::AreaChecks,
        Sight::Places,
    ];

    /// Where it is told and what of a record's text tells it, for those that are told by what was published.
    pub const TOLD: [(Sight, Topic, &'static str); 18] = [
        (Sight::Verified, Topic::Dispositions, r#""cause":"verified""#),
        (Sight::Lifted, Topic::Dispositions, r#""cause":"overturned""#),
        (Sight::Lifted, Topic::Dispositions, r#""cause":"lifted_by_person""#),
        (Sight::Expired, Topic::Dispositions, r#""cause":"expired""#),
        (Sight::Released, Topic::Dispositions, r#""cause":"released""#),
        (Sight::Corrected, Topic::Dispositions, r#""cause":"corrected""#),
        (Sight::Followed, Topic::Dispositions, r#""cause":"followed""#),
        (Sight::AppealsAnswered, Topic::Dispositions, "appeal_answered.v1"),
        (Sight::AppealsOverdue, Topic::Dispositions, r#""answer":"overdue""#),
        (Sight::AppealsOverdue, Topic::Dispositions, r#""answer":"human_decision_due""#),
        (Sight::OpeningsOfListed, Topic::Dispositions, r#""measure":"listed_refuse_opening""#),
        (Sight::LeadsSent, Topic::Leads, "lead.sent.v1"),
        (Sight::LeadsAnswered, Topic::Leads, r#""outcome":""#),
        (Sight::LeadsOverdue, Topic::Leads, r#""to":"overdue""#),
        (Sight::LeadsBraked, Topic::Shadow, r#""braked":true"#),
        (Sight::Authorised, Topic::Dispositions, r#""authorisation":""#),
        (Sight::AreaChecks, Topic::Dispositions, r#""id":"area""#),
        (Sight::Places, Topic::Dispositions, r#""id":"places""#),
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
