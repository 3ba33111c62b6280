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
        self.signed(url, now.as_second(), &format!("{:016x}", fastrand::u64(..)), &self.ext())
    }

    /// What Taskcluster wants to know besides: the certificate of temporary credentials.
    fn ext(&self) -> String {
        let certificate = self.certificate.as_ref();
        certificate.map_or_else(String::new, |certificate| STANDARD.encode(format!("{{\"certificate\":{certificate}}}")))
    }

    fn signed(&self, url: &Url, at: i64, nonce: &str, ext: &str) -> String {
        let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
        let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
        let signed = format!("hawk.1.header\n{at}\n{nonce}\nGET\n{}{query}\n{host}\n{port}\n\n{ext}\n", url.path());
        let mut mac = Hmac::<Sha256>::new_from_slice(self.token.as_bytes()).expect("a key of HMAC may have any length");
        mac.update(signed.as_bytes());
        let mac = STANDARD.encode(mac.finalize().into_bytes());
        let ext = if ext.is_empty() { String::new() } else { format!(", ext=\"{ext}\"") };
        format!("Hawk id=\"{}\", ts=\"{at}\", nonce=\"{nonce}\"{ext}, mac=\"{mac}\"", self.client)
    }
}

#[cfg(test)]
mod tests {
    use super::Credentials;

    const AT: i64 = 1_353_832_234;

    fn credentials(certificate: Option<&str>) -> Credentials {
        let token = "werxhqb98rpaxn39848xrunpaw3489ruxnpa98w4rxn".to_owned();
        Credentials { client: "dh37fgj492je".to_owned(), token, certificate: certificate.map(str::to_owned) }
    }

    /// Hawk's own documentation has this request with this header.
    #[test]
    fn a_request_is_signed_as_hawk_says() {
        let url = "http://example.com:8000/resource/1?b=1&a=2".parse().unwrap();
        assert_eq!(
            credentials(None).signed(&url, AT, "j4h3g2", "some-app-ext-data"),
            "Hawk id=\"dh37fgj492je\", ts=\"1353832234\", nonce=\"j4h3g2\", ext=\"some-app-ext-data\", \
             mac=\"6R4rV5iE+NPoym+WwjeHzjAGXUtLNIxmo1vpMofpLAE=\""
        );
    }

    #[test]
    fn the_query_and_the_port_are_signed_too() {
        let signed = |url: &str| credentials(None).signed(&url.parse().unwrap(), AT, "j4h3g2", "");
        let whole = signed("http://example.com:8000/resource/1?b=1&a=2");
        assert_ne!(whole, signed("http://example.com:8000/resource/1"));
        assert_ne!(whole, signed("http://example.com/resource/1?b=1&a=2"));
        assert!(!whole.contains("ext="), "{whole}");
    }

    #[test]
    fn a_certificate_goes_along_in_the_clear() {
        let ext = credentials(Some(r#"{"version":1}"#)).ext();
        assert_eq!(ext, "eyJjZXJ0aWZpY2F0ZSI6eyJ2ZXJzaW9uIjoxfX0=");
    }
}
