//! What only administration reads and changes, over the tables of the database in memory.

use std::collections::BTreeMap;

use esclusa::audit::Record;
use esclusa::money::Nanos;
use esclusa::ports::{
    Administration, ApiKey, ConfigNote, KeyChange, KeyFilter, Member, MemberChange, Org, OrgFilter,
    Page, Pending, SeenUser,
};

use super::database::{Database, place};
use super::faults::Port;

impl Administration for Database {
    fn orgs<'a>(&'a self, filter: &'a OrgFilter, page: &'a Page) -> Pending<'a, Vec<Org>> {
        self.run(Port::Tenants, move |tables| {
            let mut orgs: Vec<Org> = tables.orgs.values().cloned().collect();
            orgs.sort_by_key(|org| (org.created_at, org.id.clone()));
            let search = filter.search.as_ref().map(|text| text.to_lowercase());
            let is_wanted = |org: &Org| {
                let has =
                    |text: &String| org.id.contains(text) || org.name.to_lowercase().contains(text);
                filter.id.as_ref().is_none_or(|id| *id == org.id) && search.as_ref().is_none_or(has)
            };
            part(orgs, page, |org| org.id.clone(), is_wanted)
        })
    }

    fn rename_org<'a>(&'a self, id: &'a str, name: &'a str) -> Pending<'a, ()> {
        self.run(Port::Tenants, move |tables| {
            if let Some(org) = tables.orgs.get_mut(id) {
                name.clone_into(&mut org.name);
            }
        })
    }

    fn keys<'a>(
        &'a self,
        org: &'a str,
        filter: &'a KeyFilter,
        page: &'a Page,
    ) -> Pending<'a, Vec<ApiKey>> {
        self.run(Port::Tenants, move |tables| {
            let of_org = tables.keys.values().filter(|key| key.org == org);
            let mut keys: Vec<ApiKey> = of_org.cloned().collect();
            keys.sort_by_key(|key| (key.created_at, key.id.clone()));
            let is_wanted = |key: &ApiKey| {
                let scope = filter.scope.as_ref();
                scope.is_none_or(|scope| key.scopes.contains(scope))
                    && filter
                        .good
                        .is_none_or(|(now, good)| key.is_good(now) == good)
            };
            part(keys, page, |key| key.id.clone(), is_wanted)
        })
    }

    fn change_key<'a>(
        &'a self,
        org: &'a str,
        id: &'a str,
        change: &'a KeyChange,
    ) -> Pending<'a, ()> {
        self.run(Port::Tenants, move |tables| {
            let Some(key) = tables.keys.get_mut(&place(org, id)) else {
                return;
            };
            if let Some(name) = &change.name {
                key.name.clone_from(name);
            }
            if let Some(scopes) = &change.scopes {
                key.scopes.clone_from(scopes);
            }
            let ends = key.expires_at.into_iter().chain(change.expires_at);
            key.expires_at = ends.min();
        })
    }

    fn config_versions<'a>(
        &'a self,
        org: &'a str,
        before: Option<u64>,
        limit: u32,
    ) -> Pending<'a, Vec<ConfigNote>> {
        self.run(Port::Tenants, move |tables| {
            let rows = (org.to_owned(), 0)..(org.to_owned(), before.unwrap_or(u64::MAX));
            let rows = tables.configs.range(rows).rev().map(|(_, row)| ConfigNote {
                version: row.version,
                created_at: row.created_at,
                author: row.author.clone(),
                note: row.note.clone(),
            });
            rows.take(usize::try_from(limit).unwrap() + 1).collect()
        })
    }

    fn seen_users<'a>(
        &'a self,
        org: &'a str,
        only: Option<&'a str>,
        page: &'a Page,
    ) -> Pending<'a, Vec<SeenUser>> {
        self.run(Port::Audit, move |tables| {
            let mut users: BTreeMap<String, SeenUser> = BTreeMap::new();
            let of_org = tables.audit.iter().filter(|((of, _), _)| of == org);
            for (_, sealed) in of_org {
                let record: Record = serde_json::from_str(&sealed.record).unwrap();
                let request = place(org, &record.draft.request);
                let person = tables.people.get(&request);
                let Some(user) = person.map(|it| &it.user).filter(|user| !user.is_empty()) else {
                    continue;
                };
                let at = record.draft.at;
                let seen = users.entry(user.clone()).or_insert_with(|| SeenUser {
                    user: user.clone(),
                    requests: 0,
                    spent: Nanos::ZERO,
                    first_at: at,
                    last_at: at,
                });
                seen.requests += 1;
                seen.spent = seen.spent.saturating_add(record.cost);
                seen.first_at = seen.first_at.min(at);
                seen.last_at = seen.last_at.max(at);
            }
            let after = page.after.as_deref().unwrap_or_default();
            let wanted = users.into_values().filter(|seen| {
                seen.user.as_str() > after && only.is_none_or(|only| seen.user == only)
            });
            let most = usize::try_from(page.limit).unwrap() + 1;
            wanted.take(most).collect()
        })
    }

    fn create_member<'a>(&'a self, member: &'a Member) -> Pending<'a, bool> {
        self.run(Port::Tenants, move |tables| {
            let is_new = !tables.members.contains_key(&member.id);
            let row = tables.members.entry(member.id.clone());
            row.or_insert_with(|| member.clone());
            is_new
        })
    }

    fn member<'a>(&'a self, id: &'a str) -> Pending<'a, Option<Member>> {
        self.run(Port::Tenants, move |tables| tables.members.get(id).cloned())
    }

    fn members<'a>(&'a self, page: &'a Page) -> Pending<'a, Vec<Member>> {
        self.run(Port::Tenants, move |tables| {
            let mut members: Vec<Member> = tables.members.values().cloned().collect();
            members.sort_by_key(|member| (member.created_at, member.id.clone()));
            part(members, page, |member| member.id.clone(), |_| true)
        })
    }

    fn change_member<'a>(&'a self, id: &'a str, change: &'a MemberChange) -> Pending<'a, ()> {
        self.run(Port::Tenants, move |tables| {
            let Some(member) = tables.members.get_mut(id) else {
                return;
            };
            if let Some(name) = &change.name {
                member.name.clone_from(name);
            }
            if let Some(digest) = &change.digest {
                member.digest.clone_from(digest);
            }
            member.role = change.role.unwrap_or(member.role);
            member.removed_at = member.removed_at.or(change.removed_at);
        })
    }
}

/// A page of rows in their order, and one more where there are more; none behind a row that is not
/// there.
fn part<T>(
    rows: Vec<T>,
    page: &Page,
    id: impl Fn(&T) -> String,
    is_wanted: impl Fn(&T) -> bool,
) -> Vec<T> {
    let start = match &page.after {
        None => 0,
        Some(after) => {
            let place = rows.iter().position(|row| id(row) == *after);
            place.map_or(rows.len(), |place| place + 1)
        }
    };
    let most = usize::try_from(page.limit).unwrap() + 1;
    let rows = rows.into_iter().skip(start);
    rows.filter(is_wanted).take(most).collect()
}
