//! What a rule in shadow saw, passed off as decided (DESIGN D28).
use duecourse::engine::disposition::Observation;
use duecourse::engine::input::Effect;

fn act(observed: Box<Observation>) -> Effect {
    Effect::Disposed(observed)
}

fn main() {
    let _ = act;
}
