//! Pages of a repository's own host: what is shown here in, addresses there out, for hosts that a browser may go to. Pure.
//!
//! hg.mozilla.org's pages are those of Mercurial's own web server; git has none, and hosts have taken over GitHub's.

use crate::domain::{Revision, Vcs, without_git};
use crate::store::PushRow;

/// The page of one changeset.
pub(super) fn changeset(url: &str, vcs: Vcs, revision: Revision) -> Option<String> {
    match vcs {
        Vcs::Mercurial => super::shown::upstream(url, &format!("rev/{revision}")),
        Vcs::Git => super::shown::upstream(without_git(url), &format!("commit/{revision}")),
    }
}

/// The page about a push; none where a branch came or went, or the host has made the repository anew since.
pub(super) fn push(push: &PushRow) -> Option<String> {
    if !push.current {
        return None;
    }
    let Some(moved) = &push.moved else {
        let before = push.push_id.saturating_sub(1);
        return super::shown::upstream(&push.url, &format!("pushloghtml?startID={before}&endID={}", push.push_id));
    };
    let (before, after) = (moved.before, moved.after);
    let has_both = before != Revision::NULL && after != Revision::NULL;
    has_both.then(|| super::shown::upstream(without_git(&push.url), &format!("compare/{before}...{after}")))?
}

#[cfg(test)]
mod tests {
    use super::changeset;
    use crate::domain::{Revision, Vcs};

    #[test]
    fn each_kind_of_host_has_pages_of_its_own() {
        let revision = Revision::from_bytes([0xab; 20]);
        let page = |url: &str, vcs| changeset(url, vcs, revision);
        let hash = "ab".repeat(20);
        assert_eq!(page("https://h/a", Vcs::Mercurial), Some(format!("https://h/a/rev/{hash}")));
        assert_eq!(page("https://github.com/l/a.git", Vcs::Git), Some(format!("https://github.com/l/a/commit/{hash}")));
        assert_eq!(page("file:///srv/a", Vcs::Git), None);
    }
}
