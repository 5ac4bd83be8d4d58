//! The read view: what is in force for a subject, and a disposition by its appeal reference.
//!
//! The deciding loop publishes after each commit, so a reader never sees what was not published.
//! Whoever serves it to people asks for purpose and case first (DESIGN D19, D33); `Shown` carries
//! what that needs. It holds what this process decided or replayed: the compacted `measures` topic
//! holds everything.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use dashmap::DashMap;

use crate::engine::base::{TimeMs, Token};
use crate::engine::disposition::{AppealRef, Disposition, DispositionId, EndCause};
use crate::engine::measure::Lane;
use crate::engine::purpose::Purpose;
use crate::engine::subject::Subject;

/// A measure as readers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub id: DispositionId,
    pub subject: Subject,
    pub holder: Token,
    pub appeal: AppealRef,
    pub lane: Lane,
    pub purpose: Purpose,
    pub rule: String,
    pub rule_version: u32,
    pub measure: &'static str,
    pub at: TimeMs,
    /// The published disposition, JSON.
    pub disposition: Box<[u8]>,
    /// The latest published disposition that extended it.
    pub extended: Option<Box<[u8]>>,
    /// How it ended, and the published disposition that says so.
    pub ended: Option<(EndCause, Box<[u8]>)>,
}

/// What a commit changes in the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Set(Box<Shown>),
    Ended {
        appeal: AppealRef,
        cause: EndCause,
        disposition: Box<[u8]>,
    },
    /// It goes on until a later end: this disposition says so.
    Extended {
        appeal: AppealRef,
        disposition: Box<[u8]>,
    },
}

impl Change {
    /// What a disposition changes, with the value published for it. Accepted requests and lapsed
    /// reservations restrict nobody and change nothing.
    #[must_use]
    pub fn of(disposition: &Disposition, value: &[u8]) -> Option<Change> {
        match disposition {
            Disposition::MeasureSet(set) => {
                let head = set.head();
                Some(Change::Set(Box::new(Shown {
                    id: head.id,
                    subject: head.party.subject,
                    holder: head.holder,
                    appeal: set.notice().appeal,
                    lane: head.lane,
                    purpose: head.purpose,
                    rule: head.rule.id.to_string(),
                    rule_version: head.rule.version,
                    measure: set.measure().name(),
                    at: head.at,
                    disposition: value.into(),
                    extended: None,
                    ended: None,
                })))
            }
            Disposition::MeasureEnded(ended) => {
                Some(Change::Ended { appeal: ended.appeal, cause: ended.cause, disposition: value.into() })
            }
            Disposition::MeasureExtended(extended) => {
                Some(Change::Extended { appeal: extended.notice.appeal, disposition: value.into() })
            }
            Disposition::OpeningAccepted(_)
            | Disposition::ReservationLapsed(_)
            | Disposition::AppealAnswered(_)
            | Disposition::MeasureMoved(_)
            | Disposition::NoticeReleased(_)
            | Disposition::OrderAnswered(_) => None,
        }
    }
}

/// Ended measures stay readable by their appeal reference until this many younger ones have ended.
const ENDED_MAX: usize = 50_000;

/// The view. Cheap to share; readers and the deciding loop do not wait for each other for long.
#[derive(Debug, Default)]
pub struct ReadView {
    by_appeal: DashMap<AppealRef, (u32, Arc<Shown>)>,
    in_force: DashMap<Subject, Vec<AppealRef>>,
    ended: Mutex<VecDeque<AppealRef>>,
}

impl ReadView {
    /// The measures in force for a subject, in the order in which they were set.
    #[must_use]
    pub fn in_force(&self, subject: Subject) -> Vec<Arc<Shown>> {
        // Copied first: two maps are never locked at once.
        let appeals = self.in_force.get(&subject).map(|list| list.clone()).unwrap_or_default();
        appeals.into_iter().filter_map(|appeal| self.by_appeal(appeal)).collect()
    }

    /// A measure by the appeal reference on its notice.
    #[must_use]
    pub fn by_appeal(&self, appeal: AppealRef) -> Option<Arc<Shown>> {
        self.by_appeal.get(&appeal).map(|entry| Arc::clone(&entry.1))
    }

    /// Publishes what a commit of one partition changed, in order.
    pub fn publish(&self, partition: u32, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Set(shown) => self.set(partition, *shown),
                Change::Ended { appeal, cause, disposition } => self.end(appeal, cause, disposition),
                Change::Extended { appeal, disposition } => self.extend(appeal, disposition),
            }
        }
    }

    /// Forgets a partition that another worker holds now.
    pub fn forget(&self, partition: u32) {
        let mut gone = Vec::new();
        self.by_appeal.retain(|appeal, (owner, shown)| {
            if *owner == partition {
                gone.push((*appeal, shown.subject));
            }
            *owner != partition
        });
        for (appeal, subject) in gone {
            self.take_out_of_force(subject, appeal);
        }
    }

    fn set(&self, partition: u32, shown: Shown) {
        let (appeal, subject) = (shown.appeal, shown.subject);
        // A replay shows what is shown already.
        if self.by_appeal.insert(appeal, (partition, Arc::new(shown))).is_none() {
            self.in_force.entry(subject).or_default().push(appeal);
        }
    }

    fn extend(&self, appeal: AppealRef, disposition: Box<[u8]>) {
        if let Some(mut entry) = self.by_appeal.get_mut(&appeal) {
            Arc::make_mut(&mut entry.1).extended = Some(disposition);
        }
    }

    fn end(&self, appeal: AppealRef, cause: EndCause, disposition: Box<[u8]>) {
        let Some(subject) = self.by_appeal.get_mut(&appeal).map(|mut entry| {
            let shown = Arc::make_mut(&mut entry.1);
            shown.ended = Some((cause, disposition));
            shown.subject
        }) else {
            return;
        };
        self.take_out_of_force(subject, appeal);
        // Nothing under this lock can panic, so a poisoned one still holds good data.
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.push_back(appeal);
        if ended.len() > ENDED_MAX
            && let Some(oldest) = ended.pop_front()
        {
            self.by_appeal.remove(&oldest);
        }
    }

    fn take_out_of_force(&self, subject: Subject, appeal: AppealRef) {
        self.in_force.remove_if_mut(&subject, |_, list| {
            list.retain(|other| *other != appeal);
            list.is_empty()
        });
    }
}
