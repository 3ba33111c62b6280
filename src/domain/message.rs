//! A message as it came off the bus, or out of a file.

/// The exchange on which hg.mozilla.org announces pushes.
pub const HGPUSHES: &str = "exchange/hgpushes/v2";

/// One message: where it was published and what it says, not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub exchange: String,
    pub routing_key: String,
    pub body: Vec<u8>,
}
