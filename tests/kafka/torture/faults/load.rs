//! The load itself is the fault.

use std::time::Duration;

use crate::torture::load::{GARBAGE, HOT, MAIN, RATE};
use crate::torture::scene::Scene;

const LASTS: Duration = Duration::from_secs(6);

pub fn garbage(scene: &mut Scene) {
    scene.feed(GARBAGE, None);
    scene.pass(LASTS);
    scene.feed(MAIN, Some(RATE));
}

pub fn hot_key(scene: &mut Scene) {
    scene.feed(HOT, Some(2 * RATE));
    scene.pass(LASTS);
    scene.feed(MAIN, Some(RATE));
}

pub fn burst(scene: &mut Scene) {
    scene.feed(MAIN, Some(10 * RATE));
    scene.pass(LASTS);
    scene.feed(MAIN, Some(RATE));
}
