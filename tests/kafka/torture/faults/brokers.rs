//! Brokers go and come back.

use std::time::Duration;

use crate::brokers::Going;
use crate::torture::scene::Scene;

/// Longer than the 4 s that a delivery may take here.
const LONGER_THAN_A_DELIVERY: Duration = Duration::from_secs(6);
/// Than the 10 s of one, and long enough for clients to hear that the broker is no part of the cluster any more.
const LONGER_THAN_A_TRANSACTION: Duration = Duration::from_secs(40);

pub fn killed(scene: &mut Scene) {
    lose_one(scene, Going::Killed, Duration::ZERO);
}

pub fn away(scene: &mut Scene) {
    lose_one(scene, Going::Killed, LONGER_THAN_A_DELIVERY);
}

pub fn stopped(scene: &mut Scene) {
    lose_one(scene, Going::Stopped, Duration::from_secs(1));
}

pub fn left(scene: &mut Scene) {
    lose_one(scene, Going::Stopped, LONGER_THAN_A_TRANSACTION);
}

pub fn all_killed(scene: &mut Scene) {
    let nodes: Vec<usize> = (0..scene.brokers.count()).collect();
    scene.brokers.lose(&nodes, Going::Killed, Duration::ZERO);
}

fn lose_one(scene: &mut Scene, going: Going, down_for: Duration) {
    let node = scene.dice.below(scene.brokers.count() as u64);
    scene.brokers.lose(&[usize::try_from(node).unwrap()], going, down_for);
}
