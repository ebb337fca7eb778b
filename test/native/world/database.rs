//! D1 in memory: tenants, documents and audit records, one row at a time and never half of one.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use esclusa::audit::{Person, Record, Sealed};
use esclusa::error::Error;
use esclusa::ports::{
    ApiKey, AuditFilter, AuditLog, ConfigRow, Document, Documents, FeedbackRow, Member, Org,
    Passage, Pending, Tenants,
};
use futures::FutureExt;

use super::faults::Port;
use super::shared::Shared;

type Place = (String, String);

/// The rows.
#[derive(Default)]
pub(crate) struct Tables {
    pub(crate) audit: BTreeMap<(String, u64), Sealed>,
    /// How far the records of an org are archived.
    archived: BTreeMap<String, u64>,
    pub(crate) configs: BTreeMap<(String, u64), ConfigRow>,
    documents: BTreeMap<Place, Document>,
    /// By org, request and user.
    pub(super) feedback: BTreeMap<(String, String, String), FeedbackRow>,
    pub(super) keys: BTreeMap<Place, ApiKey>,
    pub(super) members: BTreeMap<String, Member>,
    pub(super) orgs: BTreeMap<String, Org>,
    passages: BTreeMap<Place, Passage>,
    /// Who is behind a request.
    pub(crate) people: BTreeMap<Place, Person>,
}

/// The database.
#[derive(Clone)]
pub(crate) struct Database {
    shared: Rc<Shared>,
    pub(crate) tables: Rc<RefCell<Tables>>,
}

impl Database {
    pub(crate) fn new(shared: Rc<Shared>) -> Self {
        let tables = Rc::default();
        Self { shared, tables }
    }

    pub(super) fn run<'a, T: std::fmt::Debug + 'a>(
        &'a self,
        port: Port,
        work: impl FnOnce(&mut Tables) -> T + 'a,
    ) -> Pending<'a, T> {
        self.shared
            .call(port, || work(&mut self.tables.borrow_mut()))
            .boxed_local()
    }

    /// How many members there are and were.
    pub(crate) fn members(&self) -> usize {
        self.tables.borrow().members.len()
    }

    /// The org's records in the order of its chain.
    pub(crate) fn sealed(&self, org: &str) -> Vec<Sealed> {
        let tables = self.tables.borrow();
        let of_org = tables.audit.iter().filter(|((of, _), _)| of == org);
        of_org.map(|(_, sealed)| sealed.clone()).collect()
    }

    /// Puts another text in the place of a stored configuration.
    pub(crate) fn spoil(&self, org: &str, version: u64, document: &str) {
        let mut tables = self.tables.borrow_mut();
        let row = tables.configs.get_mut(&(org.to_owned(), version));
        document.clone_into(&mut row.unwrap().document);
    }

    /// The ids of an org's passages.
    pub(crate) fn passage_ids(&self, org: &str) -> Vec<String> {
        let tables = self.tables.borrow();
        let places = tables.passages.keys().filter(|(of, _)| of == org);
        places.map(|(_, id)| id.clone()).collect()
    }

    /// Stores audit records as the governor's object does: what is there already stays.
    pub(crate) async fn store_records(
        &self,
        org: &str,
        records: &[(Sealed, Person)],
    ) -> Result<(), Error> {
        let stored = self.run(Port::Audit, move |tables| {
            let archived = tables.archived.get(org).copied().unwrap_or(0);
            let kept = records.iter().filter(|(sealed, person)| {
                if sealed.seq <= archived {
                    return true;
                }
                let seq = (org.to_owned(), sealed.seq);
                // Only with the record itself, so that what was erased does not come back.
                if !person.is_empty() && !tables.audit.contains_key(&seq) {
                    let request = place(org, &request(sealed));
                    let people = &mut tables.people;
                    people.entry(request).or_insert_with(|| person.clone());
                }
                let row = tables.audit.entry(seq);
                row.or_insert_with(|| sealed.clone()).hash == sealed.hash
            });
            kept.count()
        });
        assert_eq!(
            stored.await?,
            records.len(),
            "two records of {org} have one place"
        );
        Ok(())
    }
}

impl Tenants for Database {
    fn create_org<'a>(&'a self, org: &'a Org) -> Pending<'a, bool> {
        self.run(Port::Tenants, move |tables| {
            let is_new = !tables.orgs.contains_key(&org.id);
            tables
                .orgs
                .entry(org.id.clone())
                .or_insert_with(|| org.clone());
            is_new
        })
    }

    fn org<'a>(&'a self, id: &'a str) -> Pending<'a, Option<Org>> {
        self.run(Port::Tenants, move |tables| tables.orgs.get(id).cloned())
    }

    fn orgs(&self) -> Pending<'_, Vec<Org>> {
        self.run(Port::Tenants, move |tables| {
            tables.orgs.values().cloned().collect()
        })
    }

    fn create_key<'a>(&'a self, key: &'a ApiKey) -> Pending<'a, ()> {
        self.run(Port::Tenants, move |tables| {
            tables
                .keys
                .insert((key.org.clone(), key.id.clone()), key.clone());
        })
    }

    fn key<'a>(&'a self, org: &'a str, id: &'a str) -> Pending<'a, Option<ApiKey>> {
        self.run(Port::Tenants, move |tables| {
            tables.keys.get(&place(org, id)).cloned()
        })
    }

    fn revoke_key<'a>(&'a self, org: &'a str, id: &'a str, at: u64) -> Pending<'a, bool> {
        self.run(Port::Tenants, move |tables| {
            match tables.keys.get_mut(&place(org, id)) {
                Some(key) => {
                    key.revoked_at.get_or_insert(at);
                    true
                }
                None => false,
            }
        })
    }

    fn save_config<'a>(&'a self, org: &'a str, row: &'a ConfigRow) -> Pending<'a, bool> {
        self.run(Port::Tenants, move |tables| {
            let place = (org.to_owned(), row.version);
            let is_new = !tables.configs.contains_key(&place);
            tables.configs.entry(place).or_insert_with(|| row.clone());
            is_new
        })
    }

    fn config<'a>(&'a self, org: &'a str, version: Option<u64>) -> Pending<'a, Option<ConfigRow>> {
        self.run(Port::Tenants, move |tables| {
            let mut rows = tables
                .configs
                .range((org.to_owned(), 0)..=(org.to_owned(), u64::MAX));
            match version {
                Some(version) => tables.configs.get(&(org.to_owned(), version)).cloned(),
                None => rows.next_back().map(|(_, row)| row.clone()),
            }
        })
    }
}

impl Documents for Database {
    fn passages<'a>(&'a self, org: &'a str, ids: &'a [String]) -> Pending<'a, Vec<Passage>> {
        self.run(Port::Documents, move |tables| {
            let rows = ids
                .iter()
                .filter_map(|id| tables.passages.get(&place(org, id)));
            rows.cloned().collect()
        })
    }

    fn store<'a>(
        &'a self,
        org: &'a str,
        document: &'a Document,
        passages: &'a [Passage],
    ) -> Pending<'a, Vec<String>> {
        self.run(Port::Documents, move |tables| {
            let old = tables.clear(org, &document.id);
            tables
                .documents
                .insert(place(org, &document.id), document.clone());
            for passage in passages {
                tables
                    .passages
                    .insert(place(org, &passage.id), passage.clone());
            }
            let kept = |id: &String| passages.iter().any(|passage| passage.id == *id);
            old.into_iter().filter(|id| !kept(id)).collect()
        })
    }

    fn document<'a>(&'a self, org: &'a str, id: &'a str) -> Pending<'a, Option<Document>> {
        self.run(Port::Documents, move |tables| {
            tables.documents.get(&place(org, id)).cloned()
        })
    }

    fn list<'a>(&'a self, org: &'a str) -> Pending<'a, Vec<Document>> {
        self.run(Port::Documents, move |tables| {
            let rows = tables.documents.iter().filter(|((of, _), _)| of == org);
            rows.map(|(_, document)| document.clone()).collect()
        })
    }

    fn remove<'a>(&'a self, org: &'a str, document: &'a str) -> Pending<'a, Vec<String>> {
        self.run(Port::Documents, move |tables| {
            tables.documents.remove(&place(org, document));
            tables.clear(org, document)
        })
    }
}

impl Tables {
    /// Removes a document's passages; gives their ids.
    fn clear(&mut self, org: &str, document: &str) -> Vec<String> {
        let of_document =
            |((of, _), passage): &(&Place, &Passage)| of == org && passage.document == document;
        let old = self.passages.iter().filter(of_document);
        let ids: Vec<String> = old.map(|((_, id), _)| id.clone()).collect();
        for id in &ids {
            self.passages.remove(&place(org, id));
        }
        ids
    }
}

impl AuditLog for Database {
    fn query<'a>(&'a self, filter: &'a AuditFilter) -> Pending<'a, Vec<Sealed>> {
        self.run(Port::Audit, move |tables| {
            let newest_first = tables.audit.iter().rev();
            let found = newest_first.filter(|((org, _), sealed)| {
                *org == filter.org && matches(filter, sealed, &tables.people)
            });
            let most = usize::try_from(filter.limit).unwrap();
            found.take(most).map(|(_, sealed)| sealed.clone()).collect()
        })
    }

    fn people<'a>(
        &'a self,
        org: &'a str,
        requests: &'a [String],
    ) -> Pending<'a, Vec<(String, Person)>> {
        self.run(Port::Audit, move |tables| {
            let person = |id: &String| {
                let person = tables.people.get(&place(org, id))?;
                Some((id.clone(), person.clone()))
            };
            requests.iter().filter_map(person).collect()
        })
    }

    fn read<'a>(&'a self, org: &'a str, after: u64, most: u32) -> Pending<'a, Vec<Sealed>> {
        self.run(Port::Audit, move |tables| {
            let rows = (org.to_owned(), after + 1)..=(org.to_owned(), u64::MAX);
            let rows = tables.audit.range(rows).map(|(_, sealed)| sealed.clone());
            rows.take(usize::try_from(most).unwrap()).collect()
        })
    }

    fn requests_of<'a>(
        &'a self,
        org: &'a str,
        user: &'a str,
        after: &'a str,
        most: u32,
    ) -> Pending<'a, Vec<String>> {
        self.run(Port::Audit, move |tables| {
            let of_user = tables.people.iter().filter(|((of, request), person)| {
                of == org && person.user == user && request.as_str() > after
            });
            let ids = of_user.map(|((_, request), _)| request.clone());
            ids.take(usize::try_from(most).unwrap()).collect()
        })
    }

    fn erase<'a>(&'a self, org: &'a str, user: &'a str) -> Pending<'a, u64> {
        self.run(Port::Audit, move |tables| {
            let before = tables.people.len();
            tables
                .people
                .retain(|(of, _), person| of != org || person.user != user);
            u64::try_from(before - tables.people.len()).unwrap()
        })
    }

    fn remove<'a>(&'a self, org: &'a str, through: u64) -> Pending<'a, ()> {
        self.run(Port::Audit, move |tables| {
            tables.archived.insert(org.to_owned(), through);
            tables
                .audit
                .retain(|(of, seq), _| of != org || *seq > through);
        })
    }
}

fn matches(filter: &AuditFilter, sealed: &Sealed, people: &BTreeMap<Place, Person>) -> bool {
    let record: Record = serde_json::from_str(&sealed.record).unwrap();
    let draft = &record.draft;
    let outcome = serde_json::to_value(draft.outcome).unwrap();
    let same = |wanted: &Option<String>, value: &str| {
        wanted.as_deref().is_none_or(|wanted| wanted == value)
    };
    same(&filter.request, &draft.request)
        && same(&filter.key, &draft.key)
        && same(&filter.outcome, outcome.as_str().unwrap())
        && same(&filter.operation, &draft.operation)
        && same(
            &filter.user,
            people
                .get(&place(&filter.org, &draft.request))
                .map_or("", |it| &it.user),
        )
        && same(
            &filter.object,
            draft.change.as_ref().map_or("", |it| &it.object),
        )
        && filter
            .changes
            .is_none_or(|wanted| wanted == draft.change.is_some())
        && filter.before.is_none_or(|before| sealed.seq < before)
}

fn request(sealed: &Sealed) -> String {
    let record: Record = serde_json::from_str(&sealed.record).unwrap();
    record.draft.request
}

pub(super) fn place(org: &str, id: &str) -> Place {
    (org.to_owned(), id.to_owned())
}
