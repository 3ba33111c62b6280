//! The protocol keeps its promises, and each mistake in it is found.

mod circle;

use elmo_model::{ALL_MET, CODE, MET_IN_THE_END, Mistake, NOT_HALF, NOT_LOST, Protocol, State};
use stateright::{Checker, HasDiscoveries, Model};
use std::path::Path;

fn keeps_its_promises(faults: u8, at_least: usize) {
    let protocol = Protocol { faults, mistake: None };
    let checker = protocol.checker().symmetry_fn(State::with_workers_in_order).spawn_dfs().join();

    eprintln!("{} states, {} of them different", checker.state_count(), checker.unique_state_count());
    checker.assert_properties();
    assert!(checker.unique_state_count() >= at_least, "{}", checker.unique_state_count());
}

/// What the checker finds first against a protocol with a mistake in it, in so few steps.
fn found(mistake: Mistake) -> &'static str {
    let protocol = Protocol { faults: 2, mistake: Some(mistake) };
    let checker = protocol.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let (name, path) = checker.discoveries().into_iter().next().unwrap_or_else(|| panic!("{mistake:?} is not found"));
    let steps: Vec<String> = path.into_actions().iter().map(|action| format!("{action:?}")).collect();
    eprintln!("{mistake:?} ({name}): {}", steps.join(", "));
    name
}

#[test]
fn with_any_fault_no_wish_is_lost_no_push_is_half_known_and_all_are_met() {
    keeps_its_promises(1, 100_000);
}

/// 18 million states, a minute of one processor.
#[test]
fn with_any_two_faults_no_wish_is_lost_no_push_is_half_known_and_all_are_met() {
    keeps_its_promises(2, 10_000_000);
}

#[test]
fn no_course_is_a_circle() {
    let states = circle::states_without_one(&Protocol { faults: 1, mistake: None });

    assert!(states > 5_000, "{states}");
}

#[test]
fn a_message_that_is_acknowledged_before_it_is_written_down_is_found() {
    assert_eq!(found(Mistake::AcknowledgesBeforeCommit), NOT_LOST);
}

#[test]
fn an_ending_that_takes_a_wish_away_that_came_meanwhile_is_found() {
    assert_eq!(found(Mistake::EndingMeetsLaterWishes), NOT_LOST);
}

#[test]
fn a_last_push_that_is_read_and_then_written_is_found() {
    assert_eq!(found(Mistake::LastPushIsReadThenWritten), NOT_HALF);
}

#[test]
fn an_announced_push_that_is_overwritten_by_a_smaller_one_is_found() {
    assert_eq!(found(Mistake::AnnouncedGoesBack), NOT_LOST);
}

#[test]
fn pushes_that_are_recorded_before_their_changesets_are_found() {
    assert_eq!(found(Mistake::PushesBeforeChangesets), NOT_HALF);
}

#[test]
fn a_failure_that_is_not_tried_again_is_found() {
    assert_eq!(found(Mistake::FailureIsForgotten), NOT_LOST);
}

#[test]
fn a_lease_that_never_ends_is_found() {
    assert!([MET_IN_THE_END, ALL_MET].contains(&found(Mistake::LeaseNeverEnds)));
}

#[test]
fn every_step_is_where_the_map_says() {
    for (step, file, text) in CODE {
        let source = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file)).unwrap();
        assert!(source.contains(text), "{step} is not in {file} any more as it is modelled: {text}");
    }
}
