//! A Mercurial that has started already: the settings of upstreams come in, what starts it goes out. Whoever runs it ends it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Result;
use crate::programs::Hg;

/// Prepares a warm server: one that listens at a socket, in whose folder its settings are written, and forks for each connection.
///
/// Starting Mercurial costs far more than a command does. An upstream that is told of a warm server
/// ([`Options::warm`](crate::Options::warm)) has its programs from there, as forks with everything loaded.
///
/// # Errors
///
/// If the folder cannot be written to.
pub fn warm_server(hg: PathBuf, socket: &Path) -> Result<Command> {
    let folder = socket.parent().unwrap_or(socket);
    let hg = Hg::new(hg, folder, None)?;
    let mut command = hg.prepare(hg.program.clone().into());
    // What is loaded only at first use would be loaded by each fork again, and is not safe with the threads of `hg serve`.
    command.env("HGDEMANDIMPORT", "disable");
    command.args(["serve", "--cmdserver", "unix", "--address"]).arg(socket);
    Ok(command)
}
