//! Whom a request counts for, beyond what its record says: the end user, the address, and what else
//! the org's limits name.

use std::net::IpAddr;

use crate::audit::Scalar;
use crate::error::Error;
use crate::governor::rules::{Rules, Scope};
use crate::http::Incoming;
use crate::isolate::Isolate;
use crate::request::exchange::Exchange;
use crate::transcript::Transcript;

/// The caller's name for the end user.
const USER: &str = "x-ai-user";
/// Where the platform tells the client's address.
const ADDRESS: &str = "cf-connecting-ip";
/// Characters of a subject.
const MOST_CHARACTERS: usize = 200;

/// Notes them, and whether the org stores texts, before anything of the request is read. The org's rules are
/// those that this isolate knows: what a newer rule names is taken as not named by a request of that moment, and
/// its texts are not stored where they were not before. Where they are not any more, the plan forgets them.
///
/// # Errors
/// `Unavailable` where the org is not remembered and the database is out of reach.
pub async fn note_subjects(
    exchange: &mut Exchange,
    isolate: &Isolate,
    incoming: &dyn Incoming,
) -> Result<(), Error> {
    let view = isolate.org(&exchange.ports, &exchange.org).await?;
    exchange.transcript = view.config.transcripts().detail.map(Transcript::new);
    let subjects = &mut exchange.subjects;
    subjects.user = user(incoming).unwrap_or_default();
    subjects.address = address(incoming);
    subjects.headers = scopes(view.config.rules())
        .filter_map(|scope| match scope.subject() {
            Scope::Header(name) => Some((name.clone(), subject(&incoming.header(name)?))),
            _ => None,
        })
        .collect();
    Ok(())
}

/// The end user whom a header names.
#[must_use]
pub fn user(incoming: &dyn Incoming) -> Option<String> {
    let user = incoming.header(USER).as_deref().map(subject);
    user.filter(|user| !user.is_empty())
}

/// Notes the end user whom the body names, where no header does, and the metadata.
pub fn note_body(exchange: &mut Exchange, user: Option<&str>) {
    let subjects = &mut exchange.subjects;
    if subjects.user.is_empty() {
        subjects.user = user.map(subject).unwrap_or_default();
    }
    let metadata = exchange.draft.metadata.iter();
    subjects.metadata = metadata
        .map(|(name, value)| (name.clone(), subject(&text(value))))
        .collect();
}

fn scopes(rules: &Rules) -> impl Iterator<Item = &Scope> {
    let limits = rules.limits.iter().map(|limit| &limit.per);
    let budgets = rules.budgets.iter().map(|budget| &budget.per);
    limits.chain(budgets)
}

/// A subject of bounded length. `*` alone is the place that subjects share where there are too many.
#[must_use]
pub fn subject(text: &str) -> String {
    if text == "*" {
        return String::new();
    }
    text.chars().take(MOST_CHARACTERS).collect()
}

fn text(value: &Scalar) -> String {
    match value {
        Scalar::Boolean(value) => value.to_string(),
        Scalar::Number(value) => value.to_string(),
        Scalar::Text(value) => value.clone(),
    }
}

/// The client's address, as it is counted and recorded; empty where it is not known.
#[must_use]
pub fn address(incoming: &dyn Incoming) -> String {
    let address = incoming.header(ADDRESS);
    address.as_deref().and_then(network).unwrap_or_default()
}

/// An address, but of version 6 its /64: whoever has one of those has all.
fn network(address: &str) -> Option<String> {
    Some(match address.trim().parse().ok()? {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            if let Some(address) = address.to_ipv4_mapped() {
                return Some(address.to_string());
            }
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_network_are_one_subject() {
        let cases = [
            ("192.0.2.7", Some("192.0.2.7")),
            ("::ffff:192.0.2.7", Some("192.0.2.7")),
            ("2001:db8:1:2:3:4:5:6", Some("2001:db8:1:2::/64")),
            ("2001:db8:1:2::", Some("2001:db8:1:2::/64")),
            ("nonsense", None),
        ];
        for (address, expected) in cases {
            assert_eq!(network(address).as_deref(), expected, "{address}");
        }
    }

    #[test]
    fn subjects_are_bounded() {
        assert_eq!(subject("*"), "");
        assert_eq!(subject(&"é".repeat(300)).chars().count(), MOST_CHARACTERS);
    }
}
