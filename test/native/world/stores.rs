//! Cached answers, files, stored responses and vectors in memory.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use esclusa::ports::{
    AnswerCache, Files, Owner, Pending, ResponseRow, Responses, VectorMatch, VectorRecord, Vectors,
};
use futures::FutureExt;

use super::faults::Port;
use super::shared::Shared;

type Entries = BTreeMap<String, (u64, Vec<u8>)>;

/// Entries by key, with the end of their life (milliseconds since the world began).
#[derive(Clone)]
pub(crate) struct Cache {
    shared: Rc<Shared>,
    pub(crate) entries: Rc<RefCell<Entries>>,
}

impl Cache {
    pub(crate) fn new(shared: Rc<Shared>) -> Self {
        let entries = Rc::default();
        Self { shared, entries }
    }

    /// The names of the cached answers; copies of configurations are there too.
    pub(crate) fn answers(&self) -> Vec<String> {
        let entries = self.entries.borrow();
        let answers = entries.keys().filter(|name| !name.starts_with("config/"));
        answers.cloned().collect()
    }
}

impl Cache {}

impl AnswerCache for Cache {
    fn get<'a>(&'a self, key: &'a str) -> Pending<'a, Option<Vec<u8>>> {
        let work = || {
            let entries = self.entries.borrow();
            let live = |(end, _): &&(u64, Vec<u8>)| *end > self.shared.clock.elapsed();
            entries
                .get(key)
                .filter(live)
                .map(|(_, entry)| entry.clone())
        };
        self.shared.call(Port::Cache, work).boxed_local()
    }

    fn put<'a>(&'a self, key: &'a str, entry: Vec<u8>, seconds: u64) -> Pending<'a, ()> {
        assert!(seconds >= 60, "KV refuses shorter lives");
        let work = move || {
            let end = self.shared.clock.elapsed() + seconds * 1_000;
            self.entries
                .borrow_mut()
                .insert(key.to_owned(), (end, entry));
        };
        self.shared.call(Port::Cache, work).boxed_local()
    }
}

/// Files by their names.
#[derive(Clone)]
pub(crate) struct Bucket {
    shared: Rc<Shared>,
    pub(crate) files: Rc<RefCell<BTreeMap<String, Vec<u8>>>>,
}

impl Bucket {
    pub(crate) fn new(shared: Rc<Shared>) -> Self {
        let files = Rc::default();
        Self { shared, files }
    }
}

impl Files for Bucket {
    fn put<'a>(&'a self, name: &'a str, bytes: Vec<u8>) -> Pending<'a, ()> {
        let work = move || drop(self.files.borrow_mut().insert(name.to_owned(), bytes));
        self.shared.call(Port::Files, work).boxed_local()
    }

    fn get<'a>(&'a self, name: &'a str) -> Pending<'a, Option<Vec<u8>>> {
        let work = || self.files.borrow().get(name).cloned();
        self.shared.call(Port::Files, work).boxed_local()
    }

    fn delete<'a>(&'a self, names: &'a [String]) -> Pending<'a, ()> {
        let work = || {
            self.files
                .borrow_mut()
                .retain(|name, _| !names.contains(name));
        };
        self.shared.call(Port::Files, work).boxed_local()
    }

    fn list<'a>(&'a self, prefix: &'a str, after: &'a str) -> Pending<'a, Vec<String>> {
        let work = move || {
            let files = self.files.borrow();
            let names = files.keys().filter(|name| name.starts_with(prefix));
            let names = names.filter(|name| name.as_str() > after);
            // Few, so that tests see more than one page.
            names.take(3).cloned().collect()
        };
        self.shared.call(Port::Files, work).boxed_local()
    }
}

/// Org, key and id of a response, and its row.
type Rows = BTreeMap<(String, String, String), ResponseRow>;

/// Stored responses by their owner and id.
#[derive(Clone)]
pub(crate) struct StoredResponses {
    shared: Rc<Shared>,
    pub(crate) rows: Rc<RefCell<Rows>>,
}

impl StoredResponses {
    pub(crate) fn new(shared: Rc<Shared>) -> Self {
        let rows = Rc::default();
        Self { shared, rows }
    }

    fn run<'a, T: std::fmt::Debug + 'a>(
        &'a self,
        work: impl FnOnce(&mut Rows) -> T + 'a,
    ) -> Pending<'a, T> {
        let work = || work(&mut self.rows.borrow_mut());
        self.shared.call(Port::Responses, work).boxed_local()
    }
}

impl Responses for StoredResponses {
    fn put<'a>(&'a self, owner: &'a Owner, row: &'a ResponseRow) -> Pending<'a, ()> {
        self.run(|rows| {
            rows.insert(place(owner, &row.id), row.clone());
        })
    }

    fn get<'a>(&'a self, owner: &'a Owner, id: &'a str) -> Pending<'a, Option<ResponseRow>> {
        self.run(|rows| rows.get(&place(owner, id)).cloned())
    }

    fn delete<'a>(&'a self, owner: &'a Owner, id: &'a str) -> Pending<'a, bool> {
        self.run(|rows| rows.remove(&place(owner, id)).is_some())
    }

    fn purge(&self, now: u64) -> Pending<'_, ()> {
        self.run(move |rows| rows.retain(|_, row| row.expires_at > now))
    }
}

fn place(owner: &Owner, id: &str) -> (String, String, String) {
    (owner.org.clone(), owner.key.clone(), id.to_owned())
}

/// Vectors by id, as in an index whose ids are unique over all namespaces.
#[derive(Clone)]
pub(crate) struct Index {
    shared: Rc<Shared>,
    records: Rc<RefCell<BTreeMap<String, VectorRecord>>>,
}

impl Index {
    pub(crate) fn new(shared: Rc<Shared>) -> Self {
        let records = Rc::default();
        Self { shared, records }
    }
}

impl Vectors for Index {
    fn query<'a>(
        &'a self,
        namespace: &'a str,
        vector: &'a [f32],
        top_k: u32,
    ) -> Pending<'a, Vec<VectorMatch>> {
        assert!(
            (1..=100).contains(&top_k),
            "Vectorize gives 1 to 100 matches"
        );
        let work = move || {
            let records = self.records.borrow();
            let of_org = records
                .values()
                .filter(|record| record.namespace == namespace);
            let mut matches: Vec<VectorMatch> = of_org
                .map(|record| VectorMatch {
                    id: record.id.clone(),
                    score: cosine(&record.values, vector),
                })
                .collect();
            matches.sort_by(|left, right| right.score.total_cmp(&left.score));
            matches.truncate(usize::try_from(top_k).unwrap());
            matches
        };
        self.shared.call(Port::Vectors, work).boxed_local()
    }

    fn upsert<'a>(&'a self, vectors: &'a [VectorRecord]) -> Pending<'a, ()> {
        assert!(vectors.len() <= 1_000, "Vectorize takes 1,000 vectors");
        let work = || {
            let rows = vectors
                .iter()
                .map(|record| (record.id.clone(), record.clone()));
            self.records.borrow_mut().extend(rows);
        };
        self.shared.call(Port::Vectors, work).boxed_local()
    }

    fn delete<'a>(&'a self, ids: &'a [String]) -> Pending<'a, ()> {
        assert!(ids.len() <= 1_000, "Vectorize takes 1,000 ids");
        let work = move || {
            let mut records = self.records.borrow_mut();
            for id in ids {
                records.remove(id);
            }
        };
        self.shared.call(Port::Vectors, work).boxed_local()
    }
}

fn cosine(left: &[f32], right: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter()
            .zip(b)
            .map(|(x, y)| f64::from(*x) * f64::from(*y))
            .sum()
    };
    dot(left, right) / (dot(left, left) * dot(right, right)).sqrt()
}
