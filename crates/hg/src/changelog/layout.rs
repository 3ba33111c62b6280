//! Where a repository keeps its changelog: the folder of a repository comes in, the folder of its store goes out, once each
//! of its requirements is known not to change how a changelog is read. Never opens the changelog.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::ChangelogError;

/// Requirements under which a changelog is what this reader takes it to be.
const UNDERSTOOD: &[&str] = &[
    "bookmarksinstore",
    "delta-info-revlog",
    "dirstate-tracked-key-v1",
    "dirstate-v2",
    "dotencode",
    "exp-compression-none",
    "fileindex-v1",
    "fncache",
    "generaldelta",
    "largefiles",
    "lfs",
    "persistent-nodemap",
    "relshared",
    "revlog-compression-zstd",
    "revlogv1",
    "share-safe",
    "shared",
    "sparserevlog",
    "store",
    "treemanifest",
];

/// Requirements without which it would be something else.
const NEEDED: &[&str] = &["revlogv1", "store"];

/// Finds the folder that holds `00changelog.i`, through a share's pointer if there is one.
pub(super) fn store_of(repo: &Path) -> Result<PathBuf, ChangelogError> {
    let hg = repo.join(".hg");
    let mut requirements = requirements(&hg.join("requires"))?;
    let store = shared_from(&hg, &requirements)?.join("store");
    let of_the_store = store.join("requires");
    if of_the_store.exists() {
        requirements.extend(self::requirements(&of_the_store)?);
    }
    check(&requirements)?;
    Ok(store)
}

fn requirements(file: &Path) -> Result<Vec<String>, ChangelogError> {
    let text = read(file)?;
    Ok(String::from_utf8_lossy(&text).lines().map(str::to_owned).collect())
}

fn read(file: &Path) -> Result<Vec<u8>, ChangelogError> {
    fs::read(file).map_err(|source| ChangelogError::Io { path: file.to_owned(), source })
}

/// The `.hg` folder whose store is used: the repository's own, or the one it shares.
fn shared_from(hg: &Path, requirements: &[String]) -> Result<PathBuf, ChangelogError> {
    let has = |name: &str| requirements.iter().any(|requirement| requirement == name);
    if !has("shared") && !has("relshared") {
        return Ok(hg.to_owned());
    }
    let pointer = read(&hg.join("sharedpath"))?;
    let target = pointer.strip_suffix(b"\n").unwrap_or(&pointer);
    let shared = hg.join(OsStr::from_bytes(target));
    if shared.is_dir() {
        return Ok(shared);
    }
    Err(ChangelogError::Io { path: shared, source: io::ErrorKind::NotFound.into() })
}

fn check(requirements: &[String]) -> Result<(), ChangelogError> {
    let unknown = requirements.iter().find(|name| !UNDERSTOOD.contains(&name.as_str()));
    if let Some(name) = unknown {
        return Err(ChangelogError::Unsupported { requirement: name.clone() });
    }
    let missing = NEEDED.iter().find(|needed| !requirements.iter().any(|name| name == *needed));
    if let Some(name) = missing {
        return Err(ChangelogError::Unsupported { requirement: format!("the absence of {name}") });
    }
    Ok(())
}
