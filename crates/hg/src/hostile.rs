//! What holds for any bytes in place of what hg says or writes: each function reads them as one thing and panics where a promise is
//! broken. Tests and fuzzing call the same ones.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::Changelog;
use crate::changeset::Changeset;
use crate::error::classify;
use crate::node::Node;
use crate::queries::{changesets, contents, entries};
use crate::server::Answers;

/// More than this a command may not print here.
const LIMIT: usize = 4096;

/// What a command server says: never more is kept than allowed.
pub fn frames(bytes: &[u8]) {
    let mut answers = Answers(bytes);
    let greeted = at_once(answers.greeting()).is_ok();
    let mut answers = if greeted { answers } else { Answers(bytes) };
    let mut requests = Vec::new();
    while let Ok(output) = at_once(answers.output(&mut requests, LIMIT)) {
        assert!(output.stdout.len() + output.stderr.len() <= LIMIT);
    }
    assert!(requests.len() <= bytes.len(), "a question takes more bytes than our answer to it");
}

/// What commands print.
pub fn printed(bytes: &[u8]) {
    if let Some(changesets) = changesets(bytes) {
        assert!(changesets.iter().map(|changeset| changeset.files.len()).sum::<usize>() <= bytes.len());
    }
    if let Some(contents) = contents(bytes) {
        assert!(contents.iter().map(|(path, content)| path.len() + content.len()).sum::<usize>() <= bytes.len());
    }
    if let Some(entries) = entries(bytes) {
        assert!(entries.iter().map(|entry| entry.path.len()).sum::<usize>() <= bytes.len());
    }
    let _ = classify(255, bytes, None);
}

/// The text of a changeset.
pub fn changeset(bytes: &[u8]) {
    if let Ok(changeset) = Changeset::from_text(Node::NULL, [Node::NULL; 2], bytes) {
        assert!(changeset.files.iter().all(|file| !file.contains(&b'\n')));
    }
}

/// A changelog with its texts between its entries: no revision leads outside, and none is believed that does not have its hash.
pub fn changelog(bytes: &[u8]) {
    let Ok(mut changelog) = Changelog::inline(bytes.to_vec()) else { return };
    for rev in 0..changelog.len() {
        assert!(changelog.parents(rev).into_iter().flatten().all(|parent| parent < rev));
        let _ = changelog.read(rev);
    }
    assert!(changelog.heads().iter().all(|&head| head < changelog.len()));
}

/// All bytes are there, so that nothing waits.
fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits for something"),
    }
}
