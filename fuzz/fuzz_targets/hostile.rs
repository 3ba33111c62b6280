//! All targets in one program, which takes long to link: `ELMO_HOSTILE` names the one that is run.

#![no_main]

use elmo::hostile::{TARGETS, Target};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("ELMO_HOSTILE").unwrap_or_default();
    let names = || TARGETS.map(|(name, _)| name).join(" ");
    TARGETS.into_iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("ELMO_HOSTILE is none of {}", names()))
});

fuzz_target!(|bytes: &[u8]| TARGET.1(bytes));
