//! The program as chaos runs it: itself, with a clock that can be set and a point at which it kills itself.

use elmo::commands;
use elmo::domain::{Clock, Point};
use jiff::{SignedDuration, Timestamp};
use rustix::process::{Signal, getpid, kill_process};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

/// The first argument of a process that is to be the program.
pub const PROGRAM: &str = "elmo";
/// `POINT:TIMES`, where the process kills itself when it passes the point for this time.
pub const STRIKE: &str = "CHAOS_STRIKE";
/// A file with the seconds by which the clock is off.
pub const CLOCK: &str = "CHAOS_CLOCK";

/// Where a process is to kill itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strike {
    pub point: Point,
    /// From 1.
    pub times: u64,
}

impl Strike {
    /// As the environment has it.
    pub fn text(self) -> String {
        format!("{}:{}", self.point.name(), self.times)
    }

    fn read(text: &str) -> Option<Strike> {
        let (name, times) = text.split_once(':')?;
        let point = Point::ALL.iter().find(|point| point.name() == name)?;
        Some(Strike { point: *point, times: times.parse().ok()? })
    }
}

/// Is the program, with these arguments.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    if let Ok(text) = std::env::var(STRIKE) {
        let strike = Strike::read(&text).expect("whoever starts it names a point");
        arm(strike);
    }
    let clock = std::env::var_os(CLOCK).map_or_else(Clock::of_this_machine, |file| clock_off_by(file.into()));
    commands::main_by(clock, arguments)
}

fn arm(strike: Strike) {
    let passed = AtomicU64::new(0);
    Point::strike(move |point| {
        if point == strike.point && passed.fetch_add(1, Ordering::SeqCst) + 1 == strike.times {
            let _ = kill_process(getpid(), Signal::KILL);
            // Not a step further, however long the signal takes.
            loop {
                std::thread::park();
            }
        }
    });
}

fn clock_off_by(file: PathBuf) -> Clock {
    Clock::that_says(move || {
        let off: i64 = std::fs::read_to_string(&file).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        Timestamp::now() + SignedDuration::from_secs(off)
    })
}
