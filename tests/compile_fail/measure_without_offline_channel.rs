//! A notice with one way to appeal: the offline one is required.
use duecourse::engine::base::Bilingual;
use duecourse::engine::notice::Channels;

fn main() {
    let _ = Channels { online: Bilingual::default() };
}
