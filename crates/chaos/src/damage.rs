//! What a machine does to clones and to the programs that a worker has started.

use fastrand::Rng;
use rustix::process::{Pid, Signal, kill_process};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Writes nonsense into a clone's history, in the middle or in place of its end.
///
/// # Errors
/// When the file system does not allow it.
pub fn damage_a_clone(data: &Path, seed: u64) -> anyhow::Result<()> {
    let mut random = Rng::with_seed(seed);
    let histories = histories(&data.join("clones"));
    let Some(path) = histories.get(random.usize(..histories.len().max(1))) else { return Ok(()) };
    let mut bytes = std::fs::read(path)?;
    if bytes.len() < 64 {
        return Ok(());
    }
    let at = random.usize(bytes.len() / 2..bytes.len() - 16);
    if random.bool() {
        bytes.truncate(at);
    } else {
        bytes[at..at + 16].copy_from_slice(b"\0damaged\xff\xfe\x01\x02!!!!");
    }
    // Beside and into place, as no worker would see half of it.
    let beside = path.with_extension("damaged");
    std::fs::write(&beside, bytes)?;
    Ok(std::fs::rename(beside, path)?)
}

/// Writes a file for as long as there is room for it.
///
/// # Errors
/// When anything but a full disk ends it.
pub fn fill(path: &Path) -> anyhow::Result<()> {
    match std::io::copy(&mut std::io::repeat(0), &mut std::fs::File::create(path)?) {
        Err(error) if error.kind() != ErrorKind::StorageFull => Err(error.into()),
        _ => Ok(()),
    }
}

/// Changelogs of Mercurial's clones, packs of git's.
fn histories(clones: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![clones.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() && name != ".new" {
                folders.push(path);
            } else if name == "00changelog.i" || name.ends_with(".pack") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Sends a signal to all programs that a process has started; gives their numbers.
pub fn tell_programs_of(parent: Pid, signal: Signal) -> Vec<Pid> {
    let started: Vec<Pid> = descendants(parent);
    tell(&started, signal);
    started
}

/// Sends a signal; those that have ended are deaf.
pub fn tell(programs: &[Pid], signal: Signal) {
    for pid in programs {
        let _ = kill_process(*pid, signal);
    }
}

fn descendants(parent: Pid) -> Vec<Pid> {
    let pairs: Vec<(i32, i32)> =
        std::fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| with_parent(&entry.path())).collect();
    let mut found = vec![parent.as_raw_nonzero().get()];
    let mut looked_at = 0;
    while looked_at < found.len() {
        let of = found[looked_at];
        looked_at += 1;
        found.extend(pairs.iter().filter(|(_, parent)| *parent == of).map(|(pid, _)| *pid));
    }
    found.into_iter().skip(1).filter_map(Pid::from_raw).collect()
}

/// A process and its parent, as `/proc/PID/stat` has them after the name in brackets.
fn with_parent(process: &Path) -> Option<(i32, i32)> {
    let pid = process.file_name()?.to_str()?.parse().ok()?;
    let stat = std::fs::read_to_string(process.join("stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    Some((pid, rest.split_whitespace().nth(1)?.parse().ok()?))
}
