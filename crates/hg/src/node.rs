//! The name of a changeset: 40 hex digits come in and go out, 20 bytes are kept. Never an abbreviated name.

use std::fmt;
use std::str::FromStr;

/// The full hash that names a changeset.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node([u8; 20]);

/// A text that is not the full hash of a changeset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a changeset is named by 40 hex digits")]
pub struct NodeError;

impl Node {
    /// The parent of a root, which is no changeset.
    pub const NULL: Node = Node([0; 20]);

    /// Gives the hash as Mercurial stores it.
    pub fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// Says whether this is [`Node::NULL`].
    pub fn is_null(&self) -> bool {
        *self == Node::NULL
    }

    pub(crate) fn from_hex(hex: &[u8]) -> Option<Node> {
        let hex: &[u8; 40] = hex.try_into().ok()?;
        let mut bytes = [0; 20];
        for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Node(bytes))
    }
}

fn digit(hex: u8) -> Option<u8> {
    char::from(hex).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

impl From<[u8; 20]> for Node {
    fn from(bytes: [u8; 20]) -> Node {
        Node(bytes)
    }
}

impl FromStr for Node {
    type Err = NodeError;

    fn from_str(text: &str) -> Result<Node, NodeError> {
        Node::from_hex(text.as_bytes()).ok_or(NodeError)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hex = [0; 40];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(self.0) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
        }
        f.pad(std::str::from_utf8(&hex).map_err(|_| fmt::Error)?)
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_reads_what_it_prints() {
        let hex = "00112233445566778899aabbccddeeff01234567";

        let node: Node = hex.parse().unwrap();

        assert_eq!(node.to_string(), hex);
        assert_eq!(format!("{node:.12}"), "001122334455");
        assert_eq!(hex.to_uppercase().parse(), Ok(node));
    }

    #[test]
    fn anything_but_forty_hex_digits_is_no_node() {
        for text in ["", "001122", &"0".repeat(39), &"0".repeat(41), &"g".repeat(40), &"é".repeat(20), "+0"] {
            assert_eq!(text.parse::<Node>(), Err(NodeError), "{text:?}");
        }
    }
}
