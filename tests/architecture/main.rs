//! The shape of the sources (DESIGN section 9), read from the sources themselves.
//!
//! One package means that the compiler does not keep the layers apart; this test does. Each check is
//! a pure function from sources to complaints, and is tested here on small sources that violate it.

mod code;
mod files;
mod golden;
mod layers;
mod mutants;
mod purity;
mod settings;

use code::Source;

fn fail_on(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn imports_point_one_way() {
    fail_on(layers::upward_imports(&Source::all()));
}

#[test]
fn layers_form_no_cycle() {
    fail_on(layers::cycles(&Source::all()));
}

#[test]
fn libraries_stay_in_their_rooms() {
    fail_on(layers::strays(&Source::all()));
}

#[test]
fn the_engine_is_pure() {
    fail_on(purity::impurities(&Source::all()));
}

#[test]
fn files_are_small_and_say_what_they_are() {
    let mut complaints = files::shapes(&Source::all());
    complaints.extend(files::shapes(&Source::all_under("tests")));
    fail_on(complaints);
}

#[test]
fn names_and_words_that_are_banned_do_not_occur() {
    fail_on(files::banned(&Source::all()));
}

#[test]
fn every_rule_limit_and_protection_has_its_golden_scenario() {
    fail_on(golden::missing());
}

#[test]
fn every_setting_is_read() {
    fail_on(settings::unread(&Source::all()));
}

#[test]
fn every_mutant_is_still_a_change() {
    fail_on(mutants::stale());
}
