//! Who asks: API keys, their form, their digests, and what they may do.
//!
//! A key reads `esk_{org}_{id}_{secret}_{checksum}`. Org and id say which row to look up, the
//! checksum refuses a mistyped key without any look-up, and only SHA-256 of the whole text is ever
//! stored: the secret has 256 random bits, so a plain digest cannot be searched.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Kind};
use crate::http::Incoming;

const PREFIX: &str = "esk";
/// Of the keys of members, who administer: `esa_{member}_{secret}_{checksum}`.
const MEMBER_PREFIX: &str = "esa";
const CHECKSUM_CHARACTERS: usize = 8;
/// The longest org or key id.
const ID_LIMIT: usize = 40;
/// Where Cloudflare's clients put the gateway's own key: before every other.
pub const GATEWAY_KEY: &str = "cf-aig-authorization";
/// Where a key may stand, first match wins (design/api.md, "Headers").
const KEY_HEADERS: [&str; 4] = [GATEWAY_KEY, "authorization", "x-api-key", "x-goog-api-key"];
/// Headers that hold a key or a session: nothing is told, compared or counted by what they hold.
const SECRET_HEADERS: [&str; 8] = [
    "api-key",
    "authorization",
    "cf-access-jwt-assertion",
    "cf-aig-authorization",
    "cookie",
    "proxy-authorization",
    "x-api-key",
    "x-goog-api-key",
];

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Bring a provider's own key, on the paths of that provider.
    Byok,
    /// Say what an answer costs, in place of the catalogue.
    CustomCost,
    /// Ask models.
    Inference,
    /// Add, list and remove documents.
    Knowledge,
}

impl Scope {
    /// The scope's name, as it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Byok => "byok",
            Self::CustomCost => "custom-cost",
            Self::Inference => "inference",
            Self::Knowledge => "knowledge",
        }
    }
}

/// The authenticated caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The org.
    pub org: String,
    /// The id of the key.
    pub key: String,
    /// What the key may besides.
    pub rights: Rights,
}

/// What a key may do with a request, besides making it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// Bring providers' own keys.
    pub bring_keys: bool,
    /// Say what an answer costs.
    pub set_costs: bool,
}

/// A well-formed key as a caller presents it. Not yet known to be a real one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentedKey {
    /// The org it claims.
    pub org: String,
    /// The key it claims to be.
    pub id: String,
    /// Hexadecimal SHA-256 of the whole key.
    pub digest: String,
}

impl PresentedKey {
    /// Finds the key among the headers of a request.
    ///
    /// # Errors
    /// `Unauthenticated` where there is none, or only a malformed one.
    pub fn of(incoming: &dyn Incoming) -> Result<Self, Error> {
        let Some(key) = own_key(incoming) else {
            return Err(unauthenticated(
                "No API key. Send it as `Authorization: Bearer esk_…` (OpenAI SDKs: the `apiKey` option).",
            ));
        };
        Self::parse(&key).ok_or_else(|| {
            unauthenticated("This API key is malformed: it was mistyped or cut. Copy it again.")
        })
    }

    fn parse(key: &str) -> Option<Self> {
        let [prefix, org, id, _secret] = unsealed(key)?;
        let well_formed = prefix == PREFIX && is_id(org) && is_id(id);
        well_formed.then(|| Self {
            org: org.to_owned(),
            id: id.to_owned(),
            digest: digest(key),
        })
    }
}

/// The well-formed key of a member, not yet known to be a real one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentedMember {
    /// The member it claims to be of.
    pub id: String,
    /// Hexadecimal SHA-256 of the whole key.
    pub digest: String,
}

impl PresentedMember {
    /// Reads a member's key; `None` where a text is none.
    #[must_use]
    pub fn parse(key: &str) -> Option<Self> {
        let [prefix, id, _secret] = unsealed(key)?;
        (prefix == MEMBER_PREFIX && is_id(id)).then(|| Self {
            id: id.to_owned(),
            digest: digest(key),
        })
    }
}

/// The parts of a key before its checksum, which is right.
fn unsealed<const N: usize>(key: &str) -> Option<[&str; N]> {
    let (body, checksum) = key.rsplit_once('_')?;
    let parts: Vec<&str> = body.split('_').collect();
    let parts = parts.try_into().ok()?;
    (checksum == checksum_of(body)).then_some(parts)
}

/// Whether a header, by its name in lower case, holds a key or a session.
#[must_use]
pub fn is_secret(header: &str) -> bool {
    SECRET_HEADERS.contains(&header)
}

/// Our key in a request, as it stands there.
#[must_use]
pub fn own_key(incoming: &dyn Incoming) -> Option<String> {
    let found = KEY_HEADERS.iter().find_map(|name| {
        let value = incoming.header(name)?;
        let value = strip_scheme(value.trim());
        value.starts_with("esk_").then(|| value.to_owned())
    });
    found.or_else(|| Some(query_key(incoming)?.to_owned()))
}

/// A provider's key among the headers of a request: the first that is none of ours.
#[must_use]
pub fn foreign_key(incoming: &dyn Incoming) -> Option<String> {
    let mut values = KEY_HEADERS.iter().skip(1).filter_map(|name| {
        let value = incoming.header(name)?;
        Some(strip_scheme(value.trim()).to_owned())
    });
    let is_ours = |value: &str| {
        [PREFIX, MEMBER_PREFIX].iter().any(|prefix| {
            value
                .strip_prefix(prefix)
                .is_some_and(|rest| rest.starts_with('_'))
        })
    };
    values.find(|value| !value.is_empty() && !is_ours(value))
}

/// Our key in the query, where clients of Google's put it.
fn query_key(incoming: &dyn Incoming) -> Option<&str> {
    let mut pairs = incoming.query().split('&');
    let key = pairs.find_map(|pair| pair.strip_prefix("key="))?;
    key.starts_with("esk_").then_some(key)
}

fn strip_scheme(value: &str) -> &str {
    match value.split_once(' ') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => rest.trim_start(),
        _ => value,
    }
}

/// The error of a key that is missing, malformed, unknown or revoked.
#[must_use]
pub fn unauthenticated(message: &str) -> Error {
    Error::new(Kind::Unauthenticated, message)
}

/// The one answer to an unknown and to a revoked key, so that neither can be told from the other.
#[must_use]
pub fn unknown_key() -> Error {
    unauthenticated("This API key is not valid (any more). Ask your administrator for a new one.")
}

/// Whether a text can be the id of an org or a key: 1 to 40 lower-case letters, digits, hyphens.
#[must_use]
pub fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=ID_LIMIT).contains(&text.len()) && text.bytes().all(allowed)
}

/// A new key: its text, to be shown once, and its digest, to be stored.
#[must_use]
pub fn mint(org: &str, id: &str, secret: [u8; 32]) -> (String, String) {
    sealed(format!("{PREFIX}_{org}_{id}_{}", hex::encode(secret)))
}

/// A new key of a member: its text, to be shown once, and its digest, to be stored.
#[must_use]
pub fn mint_member(id: &str, secret: [u8; 32]) -> (String, String) {
    sealed(format!("{MEMBER_PREFIX}_{id}_{}", hex::encode(secret)))
}

fn sealed(body: String) -> (String, String) {
    let checksum = checksum_of(&body);
    let key = body + "_" + &checksum;
    let digest = digest(&key);
    (key, digest)
}

/// Whether two secrets are equal, compared by digest so that timing tells nothing of either.
#[must_use]
pub fn same_secret(left: &str, right: &str) -> bool {
    digest(left) == digest(right)
}

/// Hexadecimal SHA-256.
#[must_use]
pub fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

fn checksum_of(body: &str) -> String {
    digest(body).chars().take(CHECKSUM_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_minted_key_parses_to_its_parts() {
        let (key, digest) = mint("acme", "k1", [7; 32]);
        let expected = PresentedKey {
            org: "acme".to_owned(),
            id: "k1".to_owned(),
            digest,
        };
        assert_eq!(PresentedKey::parse(&key), Some(expected));
    }

    #[test]
    fn the_keys_of_members_and_of_orgs_are_not_taken_for_each_other() {
        let (member, member_digest) = mint_member("ana", [7; 32]);
        let expected = PresentedMember {
            id: "ana".to_owned(),
            digest: member_digest,
        };
        assert_eq!(PresentedMember::parse(&member), Some(expected));
        assert_eq!(PresentedKey::parse(&member), None);
        let (key, _) = mint("acme", "k1", [7; 32]);
        assert_eq!(PresentedMember::parse(&key), None);
        assert_eq!(PresentedMember::parse(&member.replace("ana", "eva")), None);
    }

    #[test]
    fn malformed_keys_are_refused_without_a_look_up() {
        let (key, _) = mint("acme", "k1", [7; 32]);
        let mut flipped = key.clone().into_bytes();
        flipped[15] ^= 1;
        let flipped = String::from_utf8(flipped).unwrap();
        let cut = key.strip_suffix(|_: char| true).unwrap();
        let other_org = key.replacen("acme", "acmf", 1);
        for bad in [
            "esk_",
            "esk_a_b",
            "esk_a_b_c_d",
            "sk-123",
            &flipped,
            cut,
            &other_org,
            &format!("{key}_x"),
        ] {
            assert_eq!(PresentedKey::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn ids_are_short_and_plain() {
        for good in ["a", "acme-2", &"a".repeat(40)] {
            assert!(is_id(good), "{good}");
        }
        for bad in ["", "Acme", "a_b", "a b", "á", "a/b", &"a".repeat(41)] {
            assert!(!is_id(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in "\\PC{0,200}") {
            let _ = PresentedKey::parse(&text);
            let _ = PresentedKey::parse(&format!("esk_{text}"));
        }
    }
}
