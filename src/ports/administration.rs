//! What only administration reads and changes: lists by pages, members, and what may be changed of an
//! org and of a key.

use serde::{Deserialize, Serialize};

use super::{ApiKey, Org, Pending};
use crate::admin::Role;
use crate::money::Nanos;

/// Which part of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// What the last entry of the page before is found by.
    pub after: Option<String>,
    /// How many entries. Whoever reads gives one more where there are more.
    pub limit: u32,
}

/// Which orgs are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrgFilter {
    /// Only this one.
    pub id: Option<String>,
    /// Only those whose name or id has this in it, upper or lower case.
    pub search: Option<String>,
}

/// Which keys are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFilter {
    /// Only those with this scope.
    pub scope: Option<String>,
    /// Only those that are good at this moment (Unix milliseconds), or only the others.
    pub good: Option<(u64, bool)>,
}

/// What is changed of a key. `None` leaves it as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyChange {
    /// A name for people.
    pub name: Option<String>,
    /// What it may do.
    pub scopes: Option<Vec<String>>,
    /// From when on it is refused, Unix milliseconds. What was to be earlier stays.
    pub expires_at: Option<u64>,
}

/// A configuration version without its document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigNote {
    /// From 1.
    pub version: u64,
    /// When it was stored, Unix milliseconds.
    pub created_at: u64,
    /// Who stored it.
    pub author: String,
    /// Why.
    pub note: String,
}

/// An end user, as far as records that are not archived name him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenUser {
    /// The user, as requests name him.
    pub user: String,
    /// How many records.
    pub requests: u64,
    /// What they cost together.
    pub spent: Nanos,
    /// The first, Unix milliseconds.
    pub first_at: u64,
    /// The last.
    pub last_at: u64,
}

/// Somebody who administers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Unique for ever: lower-case letters, digits and hyphens.
    pub id: String,
    /// A name for people.
    pub name: String,
    /// What he may do.
    pub role: Role,
    /// The only org in which; all where none is named.
    pub org: Option<String>,
    /// Hexadecimal SHA-256 of the whole key.
    #[serde(skip_serializing)]
    pub digest: String,
    /// When he became a member, Unix milliseconds.
    pub created_at: u64,
    /// Since when he is none any more.
    pub removed_at: Option<u64>,
}

/// What is changed of a member. `None` leaves it as it is, so that two changes at once do not undo each
/// other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberChange {
    /// A name for people.
    pub name: Option<String>,
    /// What he may do.
    pub role: Option<Role>,
    /// Hexadecimal SHA-256 of another key.
    pub digest: Option<String>,
    /// Since when he is no member any more. The first time stands.
    pub removed_at: Option<u64>,
}

/// What only administration needs. Lists are in the order in which entries were created, unless told
/// otherwise.
pub trait Administration {
    /// Orgs; a page goes on after an id.
    fn orgs<'a>(&'a self, filter: &'a OrgFilter, page: &'a Page) -> Pending<'a, Vec<Org>>;

    /// Gives an org another name.
    fn rename_org<'a>(&'a self, id: &'a str, name: &'a str) -> Pending<'a, ()>;

    /// Keys of an org; a page goes on after an id.
    fn keys<'a>(
        &'a self,
        org: &'a str,
        filter: &'a KeyFilter,
        page: &'a Page,
    ) -> Pending<'a, Vec<ApiKey>>;

    /// Changes a key.
    fn change_key<'a>(
        &'a self,
        org: &'a str,
        id: &'a str,
        change: &'a KeyChange,
    ) -> Pending<'a, ()>;

    /// The configuration versions of an org or of the deployment before one, newest first.
    fn config_versions<'a>(
        &'a self,
        org: &'a str,
        before: Option<u64>,
        limit: u32,
    ) -> Pending<'a, Vec<ConfigNote>>;

    /// End users of an org by name, or only the one of a name; a page goes on after a name.
    fn seen_users<'a>(
        &'a self,
        org: &'a str,
        only: Option<&'a str>,
        page: &'a Page,
    ) -> Pending<'a, Vec<SeenUser>>;

    /// Stores a member. `false` where the id is taken.
    fn create_member<'a>(&'a self, member: &'a Member) -> Pending<'a, bool>;

    /// A member, also one who is none any more.
    fn member<'a>(&'a self, id: &'a str) -> Pending<'a, Option<Member>>;

    /// Members; a page goes on after an id.
    fn members<'a>(&'a self, page: &'a Page) -> Pending<'a, Vec<Member>>;

    /// Changes a member.
    fn change_member<'a>(&'a self, id: &'a str, change: &'a MemberChange) -> Pending<'a, ()>;
}
