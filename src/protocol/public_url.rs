//! An address in the public internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;
use percent_encoding::{CONTROLS, utf8_percent_encode};

/// Longer addresses are refused by most servers.
const LONGEST: usize = 8_192;
const HTTPS: u16 = 443;

/// Endings of names that are answered on one's own machine or network only.
/// <https://www.iana.org/assignments/special-use-domain-names>
const PRIVATE_ENDINGS: [&str; 11] = [
    "arpa",
    "corp",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "onion",
];

/// The address of something that anybody may fetch: https, on the usual port, of a host that is
/// neither private nor special, without a user's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(String);

/// Why an address is not one that anybody may fetch: continues a sentence that begins with the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPublic {
    /// It is no address.
    #[error("is not a valid URL")]
    Malformed,
    /// Its scheme is another than `https`.
    #[error("must be an https URL")]
    NotHttps,
    /// Its port is another than 443.
    #[error("must not name a port")]
    Port,
    /// Its host is not in the public internet.
    #[error("must name a public host")]
    PrivateHost,
    /// It has a name or password.
    #[error("must not hold a user name or password")]
    User,
}

impl PublicUrl {
    /// Reads an address strictly: what different parsers could understand differently is refused.
    ///
    /// # Errors
    /// Why it is not public.
    pub fn parse(text: &str) -> Result<Self, NotPublic> {
        let ambiguous = |mark: char| mark.is_ascii_control() || matches!(mark, ' ' | '\\');
        if text.len() > LONGEST || text.contains(ambiguous) {
            return Err(NotPublic::Malformed);
        }
        let whole = text.split('#').next().unwrap_or_default();
        let encoded = utf8_percent_encode(whole, CONTROLS).to_string();
        let scheme = encoded.split(':').next().unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("https") {
            return Err(NotPublic::NotHttps);
        }
        let uri: Uri = encoded.parse().map_err(|_| NotPublic::Malformed)?;
        let (Some(_), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(NotPublic::Malformed);
        };
        if authority.as_str().contains('@') {
            return Err(NotPublic::User);
        }
        if authority.port().is_some_and(|port| port.as_u16() != HTTPS) {
            return Err(NotPublic::Port);
        }
        if is_public(authority.host()) {
            Ok(Self(encoded))
        } else {
            Err(NotPublic::PrivateHost)
        }
    }

    /// The address, without its fragment.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_public(host: &str) -> bool {
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    if let Some(bare) = bare {
        return bare
            .parse()
            .is_ok_and(|address| is_public_address(IpAddr::V6(address)));
    }
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return is_public_address(IpAddr::V4(address));
    }
    is_public_name(&host)
}

/// A name of at least two labels. One that ends in a number would be read as an `IPv4` address in some
/// other notation: decimal, octal, hexadecimal, or with parts left out.
fn is_public_name(host: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let Some((rest, ending)) = host.rsplit_once('.') else {
        return false;
    };
    host.len() <= 253
        && ending.starts_with(|first: char| first.is_ascii_alphabetic())
        && label(ending)
        && rest.split('.').all(label)
        && !PRIVATE_ENDINGS.contains(&ending)
}

const fn is_public_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// <https://www.iana.org/assignments/iana-ipv4-special-registry>
const fn is_public_v4(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        [0 | 10 | 127 | 224.., ..]
            | [100, 64..=127, ..]
            | [169, 254, ..]
            | [172, 16..=31, ..]
            | [192, 0, 0 | 2, _]
            | [192, 88, 99, _]
            | [192, 168, ..]
            | [198, 18 | 19, ..]
            | [198, 51, 100, _]
            | [203, 0, 113, _]
    )
}

/// Only global unicast, of which some prefixes are special or hold an `IPv4` address. Mapped `IPv4`
/// addresses are outside.
/// <https://www.iana.org/assignments/iana-ipv6-special-registry>
const fn is_public_v6(address: Ipv6Addr) -> bool {
    !matches!(
        address.segments(),
        [..=0x1fff | 0x2002 | 0x4000.., ..]
            | [0x2001, 0..=0x1ff | 0xdb8, ..]
            | [0x3fff, 0..=0xfff, ..]
    )
}

#[cfg(test)]
mod tests;
