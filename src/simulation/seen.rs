//! What was seen on the way through a world: one that shows little proves little.

use std::fmt;

use super::deployment::HeardOf;
use super::processes::Kind;
use super::scheduler::Sim;
use crate::codec::output::Topic;

/// What a lead's record says as it leaves.
pub const SENT: &str = "lead.sent.v1";

/// One kind of thing that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    // How often, over all worlds.
    Crashes,
    Freezes,
    Lies,
    /// Of the store of snapshots.
    StoreLies,
    /// Of clocks.
    Jumps,
    /// What intake was told that its group has committed, and is older or nothing.
    OldOffsets,
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
    /// Rule sets that ask for the next engine semantics, released while some workers may not speak them.
    Releases,
    /// Partitions that stopped before one.
    Unspoken,
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
    pub const ALL: [Sight; 45] = [
        Sight::Crashes,
        Sight::Freezes,
        Sight::Lies,
        Sight::StoreLies,
        Sight::Jumps,
        Sight::OldOffsets,
        Sight::Stops,
        Sight::Recreations,
        Sight::Versions,
        Sight::Losses,
        Sight::Skips,
        Sight::Skipped,
        Sight::Restored,
        Sight::Releases,
        Sight::Unspoken,
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
        (Sight::LeadsSent, Topic::Leads, SENT),
        (Sight::LeadsAnswered, Topic::Leads, r#""outcome":""#),
        (Sight::LeadsOverdue, Topic::Leads, r#""to":"overdue""#),
        (Sight::LeadsBraked, Topic::Shadow, r#""braked":true"#),
        (Sight::Authorised, Topic::Dispositions, r#""authorisation":""#),
        (Sight::AreaChecks, Topic::Dispositions, r#""id":"area""#),
        (Sight::Places, Topic::Dispositions, r#""id":"places""#),
    ];
}

/// How often each was seen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seen([u64; Sight::ALL.len()]);

impl Default for Seen {
    fn default() -> Seen {
        Seen([0; Sight::ALL.len()])
    }
}

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

impl Sim {
    /// What a deciding process leaves undone as it dies.
    pub(super) fn note_in_flight(&self, process: usize) {
        if self.seats.borrow()[process].kind != Kind::Decide {
            return;
        }
        let orders = self.broker.borrow().orders_in_force();
        let (appeals, verifications) = self.events.borrow_mut().lives.crash();
        let broker = self.broker.borrow();
        let leads = broker.published(Topic::Leads, SENT);
        let undone = self.events.borrow_mut().dealings.crash(self.time.ms(), leads);
        let found = [
            (Sight::OrderAtCrash, !orders.is_empty()),
            (Sight::AppealAtCrash, appeals),
            (Sight::VerificationAtCrash, verifications),
            (Sight::LeadAtCrash, undone.leads > 0),
            (Sight::AuthorisationAtCrash, undone.authorisations > 0),
            (Sight::SpecialAtCrash, undone.specials > 0),
            (Sight::HoldAtCrash, undone.holds > 0),
        ];
        for (sight, _) in found.into_iter().filter(|(sight, is_so)| *is_so && self.seen.get().of(*sight) == 0)
        {
            self.see(sight);
        }
        self.orders_at_crash.borrow_mut().extend(orders);
    }

    /// What came of it, and what else was published, once all is over. The error says which promise was broken.
    pub fn look_back(&self) -> Result<(), String> {
        let broker = self.broker.borrow();
        let in_force = broker.orders_in_force();
        let is_over = self.orders_at_crash.borrow().iter().any(|order| !in_force.contains(order));
        let (appeals, verifications) = self.events.borrow().lives.decided_after;
        let after = self.events.borrow().dealings.after;
        self.see_so_often(Sight::OrderOverAfter, u64::from(is_over));
        self.see_so_often(Sight::AppealDecidedAfter, appeals.min(1));
        self.see_so_often(Sight::VerificationAfter, verifications.min(1));
        self.see_so_often(Sight::LeadAnsweredAfter, after.leads.min(1));
        self.see_so_often(Sight::AuthorisationRevokedAfter, after.authorisations.min(1));
        self.see_so_often(Sight::SpecialReleasedAfter, after.specials.min(1));
        self.see_so_often(Sight::HoldReleasedAfter, after.holds.min(1));
        for (sight, topic, text) in Sight::TOLD {
            self.see_so_often(sight, broker.published(topic, text).count() as u64);
        }
        let HeardOf { broken, restored, stopped } = self.deployment.heard.take();
        self.see_so_often(Sight::Restored, restored);
        self.see_so_often(Sight::Unspoken, stopped);
        if broken > 0 { Err(format!("{broken} promises were broken (engine::invariant)")) } else { Ok(()) }
    }
}
