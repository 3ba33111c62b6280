//! Files in their folders: leaves with the folders they lie in, in order, to a tree as a page draws it from top to bottom. Pure.

/// A part of the tree.
#[derive(Debug)]
pub(super) enum Part<T> {
    /// A folder begins, which is called so within the one around it.
    Open(String),
    Leaf(T),
    /// The folder that began last ends.
    Close,
}

impl<T> Part<T> {
    /// The leaf, if it is one.
    pub(super) fn leaf(&self) -> Option<&T> {
        match self {
            Part::Leaf(leaf) => Some(leaf),
            Part::Open(_) | Part::Close => None,
        }
    }
}

/// Folders further down than this are shown as one.
const DEEPEST: usize = 32;

/// Puts leaves, in the order of their folders, into these.
pub(super) fn grown<T>(leaves: Vec<(String, T)>) -> Vec<Part<T>> {
    let (folders, leaves): (Vec<String>, Vec<Option<T>>) = leaves.into_iter().map(|(folder, leaf)| (folder, Some(leaf))).unzip();
    let (paths, mut leaves): (Vec<Vec<&str>>, Vec<Option<T>>) = (folders.iter().map(|folder| path(folder)).collect(), leaves);
    let mut tree = Vec::new();
    grow(&mut tree, &paths, &mut leaves, 0);
    tree
}

fn path(folder: &str) -> Vec<&str> {
    if folder.is_empty() { Vec::new() } else { folder.splitn(DEEPEST, '/').collect() }
}

/// Adds leaves that lie in one folder, `depth` folders down. A folder with nothing but one folder in it is shown as one with it.
fn grow<T>(tree: &mut Vec<Part<T>>, paths: &[Vec<&str>], leaves: &mut [Option<T>], depth: usize) {
    let mut from = 0;
    while from < paths.len() {
        if paths[from].len() == depth {
            tree.extend(leaves[from].take().map(Part::Leaf));
            from += 1;
            continue;
        }
        let first = &paths[from];
        let until = from + paths[from..].iter().take_while(|path| path.get(depth) == first.get(depth)).count();
        let last = &paths[until - 1];
        let shared = first.iter().zip(last).take_while(|(one, other)| one == other).count();
        tree.push(Part::Open(first[depth..shared].join("/")));
        grow(tree, &paths[from..until], &mut leaves[from..until], shared);
        tree.push(Part::Close);
        from = until;
    }
}

/// The folder of a path, and the name in it.
pub(super) fn folder_and_name(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// The order in which [`grown`] wants files: a folder's own before its folders, by name.
pub(super) fn in_order(one: (&str, &str), other: (&str, &str)) -> std::cmp::Ordering {
    one.0.split('/').cmp(other.0.split('/')).then_with(|| one.1.cmp(other.1))
}

#[cfg(test)]
mod tests {
    use super::{Part, folder_and_name, grown};

    fn leaf(path: &str) -> (String, String) {
        let (folder, name) = folder_and_name(path);
        (folder.to_owned(), name.to_owned())
    }

    fn check(paths: &[&str], expected: &str) {
        let drawn: String = grown(paths.iter().map(|path| leaf(path)).collect())
            .iter()
            .map(|part| match part {
                Part::Open(name) => format!("{name}( "),
                Part::Leaf(name) => format!("{name} "),
                Part::Close => ") ".to_owned(),
            })
            .collect();
        assert_eq!(drawn.trim_end(), expected);
    }

    #[test]
    fn files_lie_in_their_folders() {
        check(&["x", "a/y", "a/b/z", "c/d/e/v", "c/d/f/w"], "x a( y b( z ) ) c/d( e( v ) f( w ) )");
        check(&["a/b/x", "a-b/x"], "a/b( x ) a-b( x )");
        check(&[], "");
    }

    #[test]
    fn a_path_may_go_down_for_ever() {
        let deep = grown((0..4000).map(|depth| leaf(&format!("{}x", "a/".repeat(depth)))).collect());
        assert_eq!(deep.iter().filter(|part| part.leaf().is_some()).count(), 4000);
    }
}
