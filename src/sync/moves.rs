//! What moved a branch from one commit to another: one push, or several that were fetched at once. Pure.
//!
//! The host shows where a branch is, messages tell of its moves; either may come first, twice, or never. So the pushes are a
//! function of both, and come out the same in whatever order these are known.

use crate::domain::{BranchMove, Kept, Notice, Revision};

/// The pushes by which a branch came `from` one commit `to` another, in their order. What no notice tells of is one push that was
/// only seen. A notice counts if its commits are here.
pub fn told_apart(
    branch: &Kept,
    from: Revision,
    to: Revision,
    notices: &[Notice],
    is_here: impl Fn(&Revision) -> bool,
) -> Vec<BranchMove> {
    let ends_are_here = |notice: &&Notice| [notice.before, notice.after].iter().all(|end| *end == Revision::NULL || is_here(end));
    let mut known: Vec<&Notice> =
        notices.iter().filter(|notice| notice.branch == *branch && notice.before != notice.after).filter(ends_are_here).collect();
    known.sort_by_key(|notice| notice.date);
    let forward = walk(&mut known, from, to, |notice| notice.before, |notice| notice.after);
    let reached = forward.last().map_or(from, |notice| notice.after);
    known.reverse();
    let mut backward = walk(&mut known, to, reached, |notice| notice.after, |notice| notice.before);
    backward.reverse();
    let goes_on_at = backward.first().map_or(to, |notice| notice.before);
    let gap =
        (reached != goes_on_at).then(|| BranchMove { branch: branch.clone(), before: reached, after: goes_on_at, pushed: None });
    forward.into_iter().map(pushed).chain(gap).chain(backward.into_iter().map(pushed)).collect()
}

/// Follows notices from one end to another, as far as they lead, each once; takes out those that it followed.
fn walk<'n>(
    notices: &mut Vec<&'n Notice>,
    from: Revision,
    to: Revision,
    start: impl Fn(&Notice) -> Revision,
    end: impl Fn(&Notice) -> Revision,
) -> Vec<&'n Notice> {
    let (mut at, mut path) = (from, Vec::new());
    while at != to {
        let Some(next) = notices.iter().position(|notice| start(notice) == at) else {
            break;
        };
        let notice = notices.remove(next);
        at = end(notice);
        path.push(notice);
    }
    path
}

fn pushed(notice: &Notice) -> BranchMove {
    let who_and_when = Some((notice.pusher.clone(), notice.date));
    BranchMove { branch: notice.branch.clone(), before: notice.before, after: notice.after, pushed: who_and_when }
}

#[cfg(test)]
mod tests {
    use super::told_apart;
    use crate::domain::{Kept, Notice, Revision};

    fn commit(name: char) -> Revision {
        if name == '-' { Revision::NULL } else { Revision::from_bytes([u8::try_from(name).unwrap(); 20]) }
    }

    fn name(revision: Revision) -> char {
        if revision == Revision::NULL { '-' } else { char::from(revision.as_bytes()[0]) }
    }

    /// Moves as `ab`, those that were only seen in brackets; notices in the order of their dates.
    fn check(movement: &str, notices: &[&str], expected: &str) {
        let ends = |text: &str| {
            let mut ends = text.chars().map(commit);
            (ends.next().unwrap(), ends.next().unwrap())
        };
        let notice = |(date, text): (i64, &&str)| {
            let (before, after) = ends(text);
            Notice { branch: Kept::from("main"), before, after, pusher: Kept::from("flod"), date }
        };
        let mut notices: Vec<Notice> = (1..).zip(notices).map(notice).collect();
        let (from, to) = ends(movement);
        for _ in 0..2 {
            let moves = told_apart(&Kept::from("main"), from, to, &notices, |revision| *revision != commit('?'));
            let words: Vec<String> = moves
                .iter()
                .map(|one| format!("{}{}", name(one.before), name(one.after)))
                .zip(&moves)
                .map(|(ends, one)| if one.pushed.is_some() { ends } else { format!("({ends})") })
                .collect();
            assert_eq!(words.join(" "), expected, "{movement} by {notices:?}");
            notices.reverse();
        }
    }

    #[test]
    fn a_movement_is_one_push_or_those_that_are_told_of() {
        check("ab", &[], "(ab)");
        check("ab", &["ab"], "ab");
        check("ad", &["ab", "bc", "cd"], "ab bc cd");
        check("-b", &["-b"], "-b");
        check("a-", &["a-"], "a-");
    }

    #[test]
    fn what_nobody_tells_of_is_seen() {
        check("ad", &["ab"], "ab (bd)");
        check("ad", &["cd"], "(ac) cd");
        check("ad", &["ab", "cd"], "ab (bc) cd");
        check("-b", &["ab"], "(-a) ab");
        check("ad", &["xy"], "(ad)");
        check("ab", &["a?", "?b"], "(ab)");
    }

    #[test]
    fn ways_that_go_round_come_to_an_end() {
        check("ac", &["ab", "ba", "ac"], "ab ba ac");
        check("ac", &["ab", "ba"], "ab ba (ac)");
        check("ab", &["ab", "ba", "ab"], "ab");
        check("ab", &["aa", "ab"], "ab");
    }
}
