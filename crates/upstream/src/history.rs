//! The changesets of one repository, in the order of their revision numbers.

use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, HashMap, HashSet};

use crate::Node;
use crate::changeset::Changeset;

/// What is in the changelog of a repository.
#[derive(Debug, Default)]
pub(crate) struct History {
    changesets: Vec<Changeset>,
    ranks: HashMap<Node, usize>,
}

impl History {
    pub(crate) fn len(&self) -> usize {
        self.changesets.len()
    }

    pub(crate) fn rank(&self, node: Node) -> Option<usize> {
        self.ranks.get(&node).copied()
    }

    pub(crate) fn changeset(&self, node: Node) -> Option<&Changeset> {
        self.rank(node).map(|rank| &self.changesets[rank])
    }

    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Changeset> {
        self.changesets.iter().rev()
    }

    /// Adds a changeset after all others; one that is there already stays where it is.
    pub(crate) fn add(&mut self, changeset: Changeset) {
        if let Entry::Vacant(free) = self.ranks.entry(changeset.node) {
            free.insert(self.changesets.len());
            self.changesets.push(changeset);
        }
    }

    /// Keeps only these changesets, in this order.
    pub(crate) fn keep(&mut self, nodes: &[Node]) {
        let ranks = std::mem::take(&mut self.ranks);
        let mut changesets: Vec<_> = std::mem::take(&mut self.changesets).into_iter().map(Some).collect();
        for node in nodes {
            let kept = ranks.get(node).and_then(|rank| changesets[*rank].take());
            kept.into_iter().for_each(|changeset| self.add(changeset));
        }
    }

    /// The changesets that have no children but hidden ones.
    pub(crate) fn heads(&self, hidden: &HashSet<Node>) -> Vec<Node> {
        let visible = || self.changesets.iter().filter(|changeset| !hidden.contains(&changeset.node));
        let parents: HashSet<Node> = visible().flat_map(|changeset| changeset.parents).collect();
        visible().map(|changeset| changeset.node).filter(|node| !parents.contains(node)).collect()
    }

    /// The changesets whose name begins so.
    pub(crate) fn beginning_with(&self, prefix: &str) -> impl Iterator<Item = Node> {
        let prefix = prefix.to_ascii_lowercase();
        let nodes = self.changesets.iter().map(|changeset| changeset.node);
        nodes.filter(move |node| node.to_hex().starts_with(prefix.as_bytes()))
    }
}

/// The newest changeset that both descend from; null if there is none.
///
/// `place` says where a changeset stands in the changelog and what its parents are.
pub(crate) fn common_ancestor(one: Node, other: Node, place: impl Fn(Node) -> (usize, [Node; 2])) -> Node {
    let mut sides: HashMap<Node, u8> = HashMap::new();
    let mut waiting = BinaryHeap::new();
    let visit = |waiting: &mut BinaryHeap<_>, sides: &mut HashMap<Node, u8>, node: Node, side: u8| {
        if !node.is_null() {
            let before = sides.insert(node, side | sides.get(&node).copied().unwrap_or(0));
            if before.is_none() {
                waiting.push((place(node).0, node));
            }
        }
    };
    visit(&mut waiting, &mut sides, one, 1);
    visit(&mut waiting, &mut sides, other, 2);
    while let Some((_, node)) = waiting.pop() {
        let side = sides[&node];
        if side == 3 {
            return node;
        }
        for parent in place(node).1 {
            visit(&mut waiting, &mut sides, parent, side);
        }
    }
    Node::NULL
}
