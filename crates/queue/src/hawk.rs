//! Checks Hawk's header, so that a client cannot get away with a wrong one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::collections::HashMap;

/// The header is signed with `key` by `client` for this request.
pub(crate) fn is_signed(header: &str, client: &str, key: &str, method: &str, path_and_query: &str, host: &str) -> bool {
    let fields = fields(header);
    let field = |name: &str| fields.get(name).copied().unwrap_or_default();
    let (host, port) = host.rsplit_once(':').unwrap_or((host, "80"));
    let signed = format!(
        "hawk.1.header\n{}\n{}\n{method}\n{path_and_query}\n{host}\n{port}\n{}\n{}\n",
        field("ts"),
        field("nonce"),
        field("hash"),
        field("ext")
    );
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else {
        return false;
    };
    mac.update(signed.as_bytes());
    let now = jiff::Timestamp::now().as_second();
    let is_fresh = field("ts").parse::<i64>().is_ok_and(|ts| (now - ts).abs() < 900);
    field("id") == client && is_fresh && !field("nonce").is_empty() && STANDARD.encode(mac.finalize().into_bytes()) == field("mac")
}

fn fields(header: &str) -> HashMap<&str, &str> {
    let rest = header.strip_prefix("Hawk ").unwrap_or_default();
    rest.split(", ").filter_map(|field| field.split_once('=')).map(|(name, value)| (name, value.trim_matches('"'))).collect()
}
