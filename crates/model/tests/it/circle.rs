//! Whether a model can go round in a circle: a walk in depth that remembers the way it came.

use elmo_model::{Protocol, State};
use stateright::Model;
use std::collections::HashMap;

#[derive(PartialEq)]
enum Seen {
    OnTheWay,
    Left,
}

/// Counts the states.
///
/// # Panics
/// If a course comes back to where it was.
pub(crate) fn states_without_one(protocol: &Protocol) -> usize {
    let mut seen: HashMap<State, Seen> = HashMap::new();
    let mut way: Vec<(State, Vec<State>)> = Vec::new();
    let mut next = protocol.init_states();
    loop {
        match next.pop() {
            Some(state) => match seen.get(&state) {
                Some(Seen::OnTheWay) => panic!("a circle: {state:?}"),
                Some(Seen::Left) => {}
                None => {
                    let successors = protocol.next_states(&state);
                    seen.insert(state.clone(), Seen::OnTheWay);
                    way.push((state, std::mem::replace(&mut next, successors)));
                }
            },
            None => {
                let Some((state, rest)) = way.pop() else { return seen.len() };
                seen.insert(state, Seen::Left);
                next = rest;
            }
        }
    }
}
