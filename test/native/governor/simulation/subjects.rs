//! Of whom rules speak.

use esclusa::governor::command::{Reserve, Target};
use esclusa::governor::rules::{Limit, Scope, Window};

/// Whether two limits count the same.
pub(super) fn same_flow(one: &Limit, other: &Limit) -> bool {
    let bucket = |limit: &Limit| {
        let pace = limit.measure.pace();
        pace.filter(|it| it.window == Window::TokenBucket)
            .map(|_| limit.limit)
    };
    one.per == other.per && one.measure == other.measure && bucket(one) == bucket(other)
}

/// Whether a rule speaks of a subject, among those that count the same.
pub(super) fn speaks<'a>(
    only: Option<&str>,
    mut alike: impl Iterator<Item = Option<&'a str>>,
    subject: &str,
) -> bool {
    match only {
        Some(name) => name == subject,
        None => !alike.any(|only| only == Some(subject)),
    }
}

/// The subject of a scope.
pub(super) fn subject(per: &Scope, asked: &Reserve, target: Option<&Target>) -> Option<String> {
    let (draft, subjects) = (&asked.draft, &asked.subjects);
    let name = match (per, target) {
        (Scope::Model, Some(target)) => &target.model,
        (Scope::Provider, Some(target)) => &target.provider,
        (Scope::Model | Scope::Provider, None) | (_, Some(_)) => return None,
        (Scope::Address, None) => &subjects.address,
        (Scope::Header(name), None) => {
            return Some(subjects.headers.get(name).cloned().unwrap_or_default());
        }
        (Scope::Gate(..), None) => panic!("no gates among the rules"),
        (Scope::Key, None) => &draft.key,
        (Scope::Metadata(name), None) => {
            return Some(subjects.metadata.get(name).cloned().unwrap_or_default());
        }
        (Scope::Operation, None) => &draft.operation,
        (Scope::Org, None) => return Some(String::new()),
        (Scope::Tier, None) => &draft.tier,
        (Scope::User, None) => &subjects.user,
    };
    Some(name.clone())
}
