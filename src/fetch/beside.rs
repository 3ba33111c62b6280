//! Folders beside those that readers see: what is made in one goes away again unless it is kept.

use super::FetchError;
use crate::domain::{ErrorClass, Point};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A new folder that goes away again unless it is kept.
pub(super) struct Beside(Option<PathBuf>);

impl Beside {
    pub(super) fn new(parent: &Path) -> io::Result<Beside> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        std::fs::create_dir_all(parent)?;
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = parent.join(format!("{}-{number}-{:08x}", std::process::id(), fastrand::u32(..)));
            match std::fs::create_dir(&path) {
                Ok(()) => return Ok(Beside(Some(path))),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        self.0.as_deref().unwrap_or(Path::new(""))
    }

    pub(super) fn keep(mut self) -> PathBuf {
        self.0.take().unwrap_or_default()
    }
}

/// Renames what was made beside to where it belongs, unless that is there by now: then another worker was quicker.
pub(super) fn into_place(made: &Path, place: &Path, is_there: impl FnOnce() -> bool) -> Result<(), FetchError> {
    if let Some(folder) = place.parent() {
        std::fs::create_dir_all(folder).map_err(disk("make the folder of a clone"))?;
    }
    Point::CloneMade.pass();
    match std::fs::rename(made, place) {
        Err(error) if !is_there() => return Err(disk("put a new clone in its place")(error)),
        _ => Point::ClonePlaced.pass(),
    }
    Ok(())
}

impl Drop for Beside {
    fn drop(&mut self) {
        if let Some(path) = &self.0
            && let Err(error) = std::fs::remove_dir_all(path)
        {
            tracing::warn!(path = %path.display(), %error, "could not remove a temporary folder");
        }
    }
}

/// That something could not be done on this machine.
pub(super) fn disk(what: &'static str) -> impl Fn(io::Error) -> FetchError {
    move |error| FetchError::because(ErrorClass::Ours, format!("could not {what}"), error)
}
