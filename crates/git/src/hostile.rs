//! What holds for any bytes in place of what git says: each function reads them as one thing and panics where a promise is broken.
//! Tests and fuzzing call the same ones.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::commits::next_commit;
use crate::error::{classify, redirection};
use crate::fetching::listing;
use crate::fields::Fields;
use crate::objects::has_file;
use crate::server::{Answers, Object};
use crate::{Branch, Remote};

/// More than this is not taken of one commit or object here.
const LIMIT: usize = 4096;
const PATIENCE: Duration = Duration::from_secs(60);

/// What `git log --raw -z` prints: no commit is longer than allowed, and no change is without a path.
pub fn log(bytes: &[u8]) {
    with_time().block_on(async {
        let mut fields = Fields::new(bytes, LIMIT, PATIENCE);
        while let Ok(Some(commit)) = next_commit(&mut fields).await {
            assert!(commit.message.len() + commit.changes.iter().map(|change| change.path.len()).sum::<usize>() <= LIMIT);
        }
    });
}

/// What `git ls-remote` prints: only what can be a branch is one.
pub fn listed(bytes: &[u8]) {
    let listing = listing(bytes);
    for branch in listing.branches.keys().chain(&listing.head) {
        let name = branch.as_bytes();
        assert_eq!(Branch::from_bytes(name).as_ref(), Ok(branch));
        assert!(!name.starts_with(b"-") && !name.windows(2).any(|two| two == b"..") && !name.contains(&0));
    }
    let _ = (classify(128, bytes), redirection(bytes));
}

/// What `git cat-file --batch` answers: of an object no more is kept than allowed.
pub fn objects(bytes: &[u8]) {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        for name in [&b"0123456789012345678901234567890123456789"[..], b"0123456789012345678901234567890123456789:a/b"] {
            let mut answers = Answers(bytes);
            while let Ok(object) = answers.object(name, LIMIT as u64).await {
                match object {
                    Object::Blob(content) | Object::Tree(content) => assert!(content.len() <= LIMIT),
                    Object::TooLarge(size) => assert!(size > LIMIT as u64),
                    Object::Commit | Object::Other | Object::Missing => {}
                }
            }
        }
    });
}

/// The content of a tree: whatever it is, looking for a file in it ends.
pub fn tree(bytes: &[u8]) {
    let (name, tree) = bytes.split_at(bytes.len().min(4));
    for length in [20, 32] {
        has_file(tree, name, length);
    }
}

/// Where a repository is: what is taken has no user, no password, no line end and no option in it.
pub fn remote(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(remote) = Remote::new(&text) {
        let url = remote.url();
        assert!(!url.starts_with('-') && !url.contains(char::is_control), "{url:?}");
        let _ = remote.with_token("token");
    }
}

fn with_time() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime")
}
