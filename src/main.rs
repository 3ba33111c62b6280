//! The program: arguments in, exit code out.

use elmo::commands;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Several crates bring rustls; one provider has to be chosen before the first of them asks.
    let chosen = rustls::crypto::ring::default_provider().install_default();
    debug_assert!(chosen.is_ok(), "nothing has chosen a provider before");
    commands::main()
}
