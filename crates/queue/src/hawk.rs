//! Checks Hawk's header, so that a client cannot get away with a wrong one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use std::collections::HashMap;

/// Who is let in.
pub(crate) struct Credentials {
    client: String,
    key: String,
    /// What has to come along with temporary credentials.
    certificate: Option<Value>,
}

impl Credentials {
    pub(crate) fn new(client: &str, key: &str, certificate: Option<Value>) -> Credentials {
        Credentials { client: client.to_owned(), key: key.to_owned(), certificate }
    }

    /// The header is signed with these for this request.
    pub(crate) fn signed(&self, header: &str, method: &str, path_and_query: &str, host: &str) -> bool {
        let fields = fields(header);
        let field = |name: &str| fields.get(name).copied().unwrap_or_default();
        let (host, port) = host.rsplit_once(':').unwrap_or((host, "80"));
        let (at, nonce, hash, ext) = (field("ts"), field("nonce"), field("hash"), field("ext"));
        let signed = format!("hawk.1.header\n{at}\n{nonce}\n{method}\n{path_and_query}\n{host}\n{port}\n{hash}\n{ext}\n");
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.key.as_bytes()) else {
            return false;
        };
        mac.update(signed.as_bytes());
        let now = jiff::Timestamp::now().as_second();
        let is_fresh = at.parse::<i64>().is_ok_and(|at| (now - at).abs() < 900);
        let is_theirs = field("id") == self.client && certificate(ext) == self.certificate;
        is_theirs && is_fresh && !nonce.is_empty() && STANDARD.encode(mac.finalize().into_bytes()) == field("mac")
    }
}

fn certificate(ext: &str) -> Option<Value> {
    let mut ext: Value = serde_json::from_slice(&STANDARD.decode(ext).ok()?).ok()?;
    Some(ext.get_mut("certificate")?.take())
}

fn fields(header: &str) -> HashMap<&str, &str> {
    let rest = header.strip_prefix("Hawk ").unwrap_or_default();
    rest.split(", ").filter_map(|field| field.split_once('=')).map(|(name, value)| (name, value.trim_matches('"'))).collect()
}
