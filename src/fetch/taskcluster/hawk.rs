//! Signs requests as Taskcluster wants it: Hawk with SHA-256 over method, path with query, host and port.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use url::Url;

/// Who we are at a deployment.
#[derive(Clone)]
pub struct Credentials {
    pub client: String,
    pub token: String,
    /// The JSON that comes with temporary credentials.
    pub certificate: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "credentials of {}", self.client)
    }
}

impl Credentials {
    /// The header for a GET of `url`.
    pub(super) fn header(&self, url: &Url, now: Timestamp) -> String {
        self.signed(url, now.as_second(), &format!("{:016x}", fastrand::u64(..)))
    }

    fn signed(&self, url: &Url, at: i64, nonce: &str) -> String {
        let ext = self
            .certificate
            .as_ref()
            .map_or_else(String::new, |certificate| STANDARD.encode(format!("{{\"certificate\":{certificate}}}")));
        let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
        let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
        let signed = format!("hawk.1.header\n{at}\n{nonce}\nGET\n{}{query}\n{host}\n{port}\n\n{ext}\n", url.path());
        let mut mac = Hmac::<Sha256>::new_from_slice(self.token.as_bytes()).expect("a key of HMAC may have any length");
        mac.update(signed.as_bytes());
        let mac = STANDARD.encode(mac.finalize().into_bytes());
        let ext = if ext.is_empty() { ext } else { format!(", ext=\"{ext}\"") };
        format!("Hawk id=\"{}\", ts=\"{at}\", nonce=\"{nonce}\"{ext}, mac=\"{mac}\"", self.client)
    }
}

#[cfg(test)]
mod tests {
    use super::Credentials;

    /// Hawk's own documentation has this request, but for its `ext`.
    #[test]
    fn a_request_is_signed_over_all_of_its_address() {
        let token = "werxhqb98rpaxn39848xrunpaw3489ruxnpa98w4rxn".to_owned();
        let credentials = Credentials { client: "dh37fgj492je".to_owned(), token, certificate: None };
        let header = |url: &str| credentials.signed(&url.parse().unwrap(), 1_353_832_234, "j4h3g2");
        let with_query = header("http://example.com:8000/resource/1?b=1&a=2");
        assert!(with_query.starts_with("Hawk id=\"dh37fgj492je\", ts=\"1353832234\", nonce=\"j4h3g2\", mac=\""), "{with_query}");
        assert_ne!(with_query, header("http://example.com:8000/resource/1"));
        assert_ne!(with_query, header("http://example.com/resource/1?b=1&a=2"));
    }
}
