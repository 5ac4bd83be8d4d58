//! A consumer group as its coordinator keeps it, cooperative protocol (KIP-429, KIP-447).
//!
//! Every change of members or owners is a new generation. A partition to be moved stays with its owner
//! until that releases it. A member that is not heard of for a session is out, and what it held is
//! given to others at once; it learns so when it next speaks.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub const SESSION_MS: i64 = 6_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupEvent {
    Assigned(Vec<u32>),
    Revoked(Vec<u32>),
    Lost(Vec<u32>),
}

#[derive(Debug, Default)]
struct Member {
    heard_ms: i64,
    owned: BTreeSet<u32>,
    revoking: BTreeSet<u32>,
    events: VecDeque<GroupEvent>,
}

#[derive(Debug)]
pub struct Group {
    partitions: u32,
    generation: u32,
    members: BTreeMap<u64, Member>,
    /// What members that are out had been told and not taken up yet.
    left_behind: BTreeMap<u64, VecDeque<GroupEvent>>,
    next_member: u64,
}

/// What a client knows of its membership.
#[derive(Debug, Default)]
pub struct Membership {
    pub member: Option<u64>,
    pub generation: u32,
    pub held: BTreeSet<u32>,
    /// What an earlier membership was told to let go and has not yet.
    revoked_before: BTreeSet<u32>,
}

impl Group {
    pub fn new(partitions: u32) -> Group {
        Group {
            partitions,
            generation: 0,
            members: BTreeMap::new(),
            left_behind: BTreeMap::new(),
            next_member: 0,
        }
    }

    pub fn heard(&mut self, member: Option<u64>, now_ms: i64) {
        if let Some(member) = member.and_then(|member| self.members.get_mut(&member)) {
            member.heard_ms = now_ms;
        }
    }

    /// Puts out those whose session has ended.
    pub fn expire(&mut self, now_ms: i64) {
        let silent: Vec<u64> = (self.members.iter())
            .filter(|(_, member)| now_ms - member.heard_ms > SESSION_MS)
            .map(|(member, _)| *member)
            .collect();
        for member in &silent {
            if let Some(out) = self.members.remove(member) {
                self.left_behind.insert(*member, out.events);
            }
        }
        if !silent.is_empty() {
            self.rebalance();
        }
    }

    pub fn leave(&mut self, membership: &Membership) {
        if membership.member.is_some_and(|member| self.members.remove(&member).is_some()) {
            self.rebalance();
        }
    }

    /// What a client hears when it polls: what changed, and that it is out; then it joins anew.
    pub fn serve(&mut self, client: &mut Membership, now_ms: i64) -> Vec<GroupEvent> {
        let mut events = Vec::new();
        let known = client.member.and_then(|member| self.members.get_mut(&member));
        if let Some(member) = known {
            events.extend(member.events.drain(..));
        } else {
            if let Some(member) = client.member {
                // Revocations that were under way come first; nothing is given to who is out.
                let left = self.left_behind.remove(&member).unwrap_or_default();
                for event in left {
                    if let GroupEvent::Revoked(partitions) = &event {
                        client.revoked_before.extend(partitions);
                        events.push(event);
                    }
                }
                if !client.held.is_empty() {
                    events.push(GroupEvent::Lost(client.held.iter().copied().collect()));
                }
            }
            self.next_member += 1;
            client.member = Some(self.next_member);
            self.members.insert(self.next_member, Member { heard_ms: now_ms, ..Member::default() });
            self.rebalance();
        }
        client.generation = self.generation;
        for event in &events {
            match event {
                GroupEvent::Assigned(partitions) => client.held.extend(partitions),
                GroupEvent::Lost(_) => client.held.clear(),
                GroupEvent::Revoked(_) => {}
            }
        }
        events
    }

    /// A client lets revoked partitions go.
    pub fn release(&mut self, client: &mut Membership, partitions: &[u32]) {
        // What an earlier membership had to let go is no news to this one.
        let of_now: Vec<u32> =
            partitions.iter().copied().filter(|partition| !client.revoked_before.remove(partition)).collect();
        for partition in &of_now {
            client.held.remove(partition);
        }
        let Some(member) = client.member.and_then(|member| self.members.get_mut(&member)) else { return };
        let before = member.owned.len();
        for partition in &of_now {
            if member.revoking.remove(partition) {
                member.owned.remove(partition);
            }
        }
        if member.owned.len() < before {
            self.rebalance();
            client.generation = self.generation;
        }
    }

    /// Whether offsets may be committed under a membership: the generation is checked, not who owns what.
    pub fn admits(&self, member: Option<u64>, generation: u32) -> bool {
        generation == self.generation && member.is_some_and(|member| self.members.contains_key(&member))
    }

    /// One partition of a member is to move: somebody joined, if only for a moment.
    pub fn take_one(&mut self, member: Option<u64>) {
        let Some(member) = member.and_then(|member| self.members.get_mut(&member)) else { return };
        let Some(partition) = member.owned.difference(&member.revoking).next().copied() else { return };
        member.revoking.insert(partition);
        member.events.push_back(GroupEvent::Revoked(vec![partition]));
        self.generation += 1;
    }

    fn rebalance(&mut self) {
        self.generation += 1;
        let count = self.members.len() as u32;
        if count == 0 {
            return;
        }
        let quota =
            |place: u32| (self.partitions / count + u32::from(place < self.partitions % count)) as usize;
        let mut owned: BTreeSet<u32> = BTreeSet::new();
        for (place, member) in (0..).zip(self.members.values_mut()) {
            let kept = member.owned.len() - member.revoking.len();
            let surplus: Vec<u32> = (member.owned.difference(&member.revoking).copied())
                .take(kept.saturating_sub(quota(place)))
                .collect();
            if !surplus.is_empty() {
                member.revoking.extend(&surplus);
                member.events.push_back(GroupEvent::Revoked(surplus));
            }
            owned.extend(&member.owned);
        }
        let mut free = (0..self.partitions).filter(|partition| !owned.contains(partition));
        for (place, member) in (0..).zip(self.members.values_mut()) {
            let kept = member.owned.len() - member.revoking.len();
            let given: Vec<u32> = free.by_ref().take(quota(place).saturating_sub(kept)).collect();
            if !given.is_empty() {
                member.owned.extend(&given);
                member.events.push_back(GroupEvent::Assigned(given));
            }
        }
    }
}
