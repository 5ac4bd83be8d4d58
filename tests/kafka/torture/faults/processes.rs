//! Our own processes are killed and paused.

use std::time::Duration;

use crate::torture::scene::{Role, SESSION_TIMEOUT, Scene};

fn killed(scene: &mut Scene, role: Role) {
    scene.kill(role);
    scene.revive(role);
}

pub fn worker_killed(scene: &mut Scene) {
    let worker = scene.any_worker();
    killed(scene, worker);
}

pub fn intake_killed(scene: &mut Scene) {
    killed(scene, Role::Intake);
}

pub fn feed_killed(scene: &mut Scene) {
    killed(scene, Role::Feed);
}

/// The others notice, and take over.
pub fn worker_lost(scene: &mut Scene) {
    let worker = scene.any_worker();
    scene.kill(worker);
    scene.pass(SESSION_TIMEOUT + Duration::from_secs(2));
    scene.revive(worker);
}

pub fn worker_paused(scene: &mut Scene) {
    let worker = scene.any_worker();
    paused(scene, worker);
}

pub fn intake_paused(scene: &mut Scene) {
    paused(scene, Role::Intake);
}

fn paused(scene: &mut Scene, role: Role) {
    let time =
        scene.between(SESSION_TIMEOUT + Duration::from_secs(2), SESSION_TIMEOUT + Duration::from_secs(5));
    scene.process(role).freeze();
    scene.pass(time);
    scene.process(role).thaw();
}
