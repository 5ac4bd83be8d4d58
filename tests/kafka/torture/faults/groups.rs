//! Members of the groups come and go faster than rebalances end.

use std::time::Duration;

use crate::torture::scene::Scene;

const COMERS: u32 = 4;
const LEAVES_WITHIN_MAX: Duration = Duration::from_secs(240);

pub fn storm(scene: &mut Scene) {
    let mut comers = Vec::new();
    for number in 0..COMERS {
        let command = if scene.dice.below(4) == 0 { "intake" } else { "decide" };
        comers.push(scene.further(command, &format!("comer-{number}")));
        let wait = scene.between(Duration::from_millis(300), Duration::from_secs(3));
        scene.pass(wait);
    }
    for mut comer in comers {
        if scene.dice.below(2) == 0 {
            comer.kill();
        } else {
            comer.leave(LEAVES_WITHIN_MAX);
        }
        let wait = scene.between(Duration::ZERO, Duration::from_secs(2));
        scene.pass(wait);
    }
}
