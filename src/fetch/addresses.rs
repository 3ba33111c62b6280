//! Which addresses may be connected to: none of this machine or a private network, unless the operator allows the host. What a
//! name resolves to is what counts, and what is connected to.

use super::FetchError;
use crate::domain::{ErrorClass, RepositoryUrl};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use url::{Host, Url};

/// Hosts that may be connected to although they are in a private network: names or addresses, without ports.
#[derive(Clone, Debug, Default)]
pub struct PrivateHosts(Arc<Vec<String>>);

/// A name or address leads into a private network.
#[derive(Debug, thiserror::Error)]
#[error("{0} is in a private network, which is not allowed (setting private_hosts)")]
pub(super) struct IsPrivate(String);

impl PrivateHosts {
    /// These hosts are allowed.
    pub fn new(hosts: Vec<String>) -> PrivateHosts {
        PrivateHosts(Arc::new(hosts))
    }

    /// Refuses a URL whose host is a private address; names are checked when they are resolved.
    pub(super) fn check(&self, url: &Url) -> Result<(), IsPrivate> {
        match url.host() {
            Some(Host::Ipv4(address)) => self.check_address(address.into()),
            Some(Host::Ipv6(address)) => self.check_address(address.into()),
            Some(Host::Domain(_)) | None => Ok(()),
        }
    }

    /// Refuses a URL that leads into a private network, for a program that connects by itself: any address of a name may be the
    /// one that it takes. A name that does not resolve here is left to the program, which may have a proxy.
    pub(super) async fn check_for_program(&self, url: &RepositoryUrl) -> Result<(), FetchError> {
        let refused = |error| FetchError::because(ErrorClass::Ours, format!("{url} is not asked"), error);
        let Some(parsed) = Url::parse(url.as_str()).ok().filter(|url| url.scheme() != "file") else {
            return Ok(());
        };
        self.check(&parsed).map_err(refused)?;
        let Some(name) = parsed.domain().filter(|name| !self.allows(name)) else {
            return Ok(());
        };
        let found = tokio::net::lookup_host((name, 0)).await.into_iter().flatten();
        match found.into_iter().find(|address| !is_public(address.ip())) {
            Some(_) => Err(refused(IsPrivate(name.to_owned()))),
            None => Ok(()),
        }
    }

    fn check_address(&self, address: IpAddr) -> Result<(), IsPrivate> {
        if is_public(address) || self.allows(&address.to_string()) { Ok(()) } else { Err(IsPrivate(address.to_string())) }
    }

    fn allows(&self, host: &str) -> bool {
        self.0.iter().any(|allowed| allowed == host)
    }
}

impl Resolve for PrivateHosts {
    fn resolve(&self, name: Name) -> Resolving {
        let hosts = self.clone();
        Box::pin(async move {
            let name = name.as_str();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name, 0)).await?.collect();
            let usable: Vec<SocketAddr> =
                found.into_iter().filter(|address| is_public(address.ip()) || hosts.allows(name)).collect();
            if usable.is_empty() {
                return Err(Box::new(IsPrivate(name.to_owned())) as Box<dyn Error + Send + Sync>);
            }
            Ok(Box::new(usable.into_iter()) as Addrs)
        })
    }
}

/// It was refused because it leads into a private network.
pub(super) fn is_private(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| (*error).source()).any(<dyn Error>::is::<IsPrivate>)
}

/// The address is one of the open internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped().or_else(|| embedded(address)) {
            Some(address) => is_public_v4(address),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let is_shared = first == 100 && (64..128).contains(&second);
    let is_for_protocols = first == 192 && second == 0 && third == 0;
    let is_for_benchmarks = first == 198 && (18..20).contains(&second);
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || first == 0
        || first >= 240
        || is_shared
        || is_for_protocols
        || is_for_benchmarks)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let first = address.segments()[0];
    let is_documentation = first == 0x2001 && address.segments()[1] == 0x0db8;
    // All that was ever given out for the open internet lies in 2000::/3.
    first & 0xe000 == 0x2000 && !is_documentation
}

/// The address of version 4 within one of NAT64 or 6to4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let parts = address.segments();
    let four = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match parts {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(four(high, low)),
        [0x2002, high, low, ..] => Some(four(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{PrivateHosts, is_public};

    #[test]
    fn addresses_of_private_networks_are_not_public() {
        for address in [
            "127.0.0.1",
            "127.9.9.9",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in ["8.8.8.8", "151.101.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[tokio::test]
    async fn a_name_that_resolves_inside_is_refused_before_a_program_asks_it() {
        let check = async |hosts: &[&str], url: &str| {
            let hosts = PrivateHosts::new(hosts.iter().map(|host| (*host).to_owned()).collect());
            let url = crate::domain::RepositoryUrl::parse(url, crate::domain::UrlRules::FilesToo).unwrap();
            hosts.check_for_program(&url).await.is_ok()
        };
        assert!(!check(&[], "http://localhost:8000/a").await);
        assert!(!check(&[], "https://127.0.0.1/a").await);
        assert!(!check(&["127.0.0.1"], "http://localhost/a").await, "it is the name that is allowed");
        assert!(check(&["localhost"], "http://localhost:8000/a").await);
        assert!(check(&[], "https://192.0.2.1.invalid/a").await, "nobody has that name");
        assert!(check(&[], "file:///srv/hg/a").await);
    }

    #[test]
    fn a_host_that_is_allowed_may_be_private() {
        let hosts = PrivateHosts::new(vec!["127.0.0.1".to_owned()]);
        let check = |url: &str| hosts.check(&url.parse().unwrap()).is_ok();
        assert!(check("http://127.0.0.1:8000/a") && check("https://example.org/"));
        for url in ["http://127.0.0.2/", "http://[::1]/", "http://0x7f.2/", "http://2130706434/", "http://[::ffff:10.0.0.1]/"] {
            assert!(!check(url), "{url}");
        }
    }
}
