//! A whole deployment in memory: isolates, an admin, governors, stores and a provider, on virtual
//! time and one seed. Every thing outside can be told to fail.

pub(crate) mod administration;
pub(crate) mod clock;
pub(crate) mod database;
pub(crate) mod executor;
pub(crate) mod faults;
mod feedback;
pub(crate) mod governors;
pub(crate) mod http;
pub(crate) mod ledger;
pub(crate) mod object;
pub(crate) mod platform;
pub(crate) mod provider;
pub(crate) mod random;
pub(crate) mod shared;
pub(crate) mod stores;
pub(crate) mod web;
pub(crate) mod wires;

use std::rc::Rc;

use esclusa::audit::{ADMIN, Record, Sealed};
use esclusa::governor::AlwaysUtc;
use esclusa::isolate::Isolate;
use esclusa::ports::Ports;
use esclusa::serve::serve;
use serde_json::{Value, json};

use self::clock::ClockPort;
use self::database::Database;
use self::executor::Group;
use self::governors::Objects;
use self::http::{Opened, Request, Response};
use self::platform::{CollectedLog, FixedSecrets, GroupBackground, SeededEntropy};
use self::provider::Provider;
use self::shared::Shared;
use self::stores::{Bucket, Cache, Index, StoredResponses};

/// The deployment.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) shared: Rc<Shared>,
    pub(crate) cache: Cache,
    pub(crate) database: Database,
    pub(crate) files: Bucket,
    pub(crate) governors: Objects,
    pub(crate) provider: Provider,
    pub(crate) responses: StoredResponses,
    pub(crate) secrets: FixedSecrets,
    index: Index,
}

/// An isolate: its memory, its ports, and what it has under way.
#[derive(Clone)]
pub(crate) struct Worker {
    pub(crate) group: Group,
    pub(crate) ports: Ports,
    pub(crate) memory: Rc<Isolate>,
}

impl Worker {
    /// Answers a request, up to its headers.
    pub(crate) async fn open(self, request: Request) -> Opened {
        Opened::new(Box::pin(serve(&self.ports, &self.memory, &request)).await)
    }
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let shared = Shared::new(seed);
        let database = Database::new(Rc::clone(&shared));
        Self {
            cache: Cache::new(Rc::clone(&shared)),
            files: Bucket::new(Rc::clone(&shared)),
            governors: Objects::new(Rc::clone(&shared), database.clone()),
            index: Index::new(Rc::clone(&shared)),
            provider: Provider::new(Rc::clone(&shared)),
            responses: StoredResponses::new(Rc::clone(&shared)),
            secrets: FixedSecrets::default(),
            database,
            shared,
        }
    }

    /// A new isolate, with nothing in its memory. Groups are numbered from 1.
    pub(crate) fn worker(&self, group: Group) -> Worker {
        let shared = || Rc::clone(&self.shared);
        let ports = Ports {
            administration: Rc::new(self.database.clone()),
            audit: Rc::new(self.database.clone()),
            background: Rc::new(GroupBackground {
                shared: shared(),
                group,
            }),
            cache: Rc::new(self.cache.clone()),
            clock: Rc::new(ClockPort(Rc::clone(&self.shared.clock))),
            documents: Rc::new(self.database.clone()),
            entropy: Rc::new(SeededEntropy(shared())),
            feedback: Rc::new(self.database.clone()),
            files: Rc::new(self.files.clone()),
            governors: Rc::new(self.governors.clone()),
            log: Rc::new(CollectedLog(shared())),
            models: Rc::new(self.provider.clone()),
            responses: Rc::new(self.responses.clone()),
            secrets: Rc::new(self.secrets.clone()),
            tenants: Rc::new(self.database.clone()),
            vectors: Rc::new(self.index.clone()),
            zones: Rc::new(AlwaysUtc),
        };
        Worker {
            group,
            memory: Rc::default(),
            ports,
        }
    }

    /// Sends a request and reads the whole reply. What is in the background then runs as far as it
    /// can without time.
    pub(crate) fn send(&self, worker: &Worker, request: Request) -> Response {
        let worker = worker.clone();
        let reply = async move { worker.open(request).await.finish().await };
        let response = self.shared.executor.block_on(reply);
        self.shared.executor.run_ready();
        response
    }

    /// Sends requests at once; the replies are in their order.
    pub(crate) fn send_all(&self, requests: Vec<(Worker, Request)>) -> Vec<Response> {
        let replies = requests
            .into_iter()
            .map(|(worker, request)| async move { worker.open(request).await.finish().await });
        let all = futures::future::join_all(replies.collect::<Vec<_>>());
        let responses = self.shared.executor.block_on(all);
        self.shared.executor.run_ready();
        responses
    }

    /// Sends a request that must succeed with `status`.
    pub(crate) fn expect(&self, worker: &Worker, request: Request, status: u16) -> Response {
        let response = self.send(worker, request);
        assert_eq!(response.status, status, "{}", response.text());
        response
    }

    /// Creates an org with a configuration and a key that may do everything.
    pub(crate) fn org(&self, worker: &Worker, org: &str, config: &Value) -> String {
        let new = Request::new("POST", "/admin/v1/orgs").admin();
        self.expect(worker, new.json(&json!({ "id": org })), 201);
        self.configure(worker, org, config);
        self.mint(worker, org)["key"].as_str().unwrap().to_owned()
    }

    pub(crate) fn configure(&self, worker: &Worker, org: &str, config: &Value) -> Response {
        let put = Request::new("PUT", &format!("/admin/v1/orgs/{org}/config")).admin();
        self.expect(worker, put.json(config), 200)
    }

    /// A new key of an org, as the administrator sees it.
    pub(crate) fn mint(&self, worker: &Worker, org: &str) -> Value {
        let new = Request::new("POST", &format!("/admin/v1/orgs/{org}/keys")).admin();
        let scopes = json!({ "scopes": ["inference", "knowledge"] });
        self.expect(worker, new.json(&scopes), 201).json()
    }

    /// Stores a document.
    pub(crate) fn learn(&self, worker: &Worker, key: &str, id: &str, text: &str) -> Response {
        let new = Request::new("POST", "/v1/knowledge/documents").key(key);
        let document = json!({ "id": id, "title": id, "text": text });
        self.expect(worker, new.json(&document), 201)
    }

    /// The live limits of an org.
    pub(crate) fn limits(&self, worker: &Worker, org: &str) -> Value {
        let get = Request::new("GET", &format!("/admin/v1/orgs/{org}/limits")).admin();
        self.expect(worker, get, 200).json()
    }

    /// The records of an org that are in the audit log, but those of administration, oldest first.
    pub(crate) fn stored_records(&self, org: &str) -> Vec<Record> {
        let records = self.database.sealed(org);
        let records = records.iter().map(record);
        records.filter(|it| it.draft.key != ADMIN).collect()
    }

    /// All records of an org but those of administration, oldest first.
    pub(crate) fn records(&self, org: &str) -> Vec<Record> {
        self.drain(org);
        self.stored_records(org)
    }

    /// The records of an org's administration, oldest first.
    pub(crate) fn acts(&self, org: &str) -> Vec<Record> {
        self.drain(org);
        let records = self.database.sealed(org);
        let records = records.iter().map(record);
        records.filter(|it| it.draft.key == ADMIN).collect()
    }

    fn drain(&self, org: &str) {
        let (objects, name) = (self.governors.clone(), org.to_owned());
        let drained = async move { objects.drain(&name).await };
        self.shared.executor.block_on(drained).unwrap();
    }

    /// The one record of a request.
    pub(crate) fn record(&self, org: &str, response: &Response) -> Record {
        let id = response.told("x-request-id");
        let of_request = |record: &Record| record.draft.request == id;
        let mut records = self.records(org).into_iter().filter(of_request);
        let record = records
            .next()
            .unwrap_or_else(|| panic!("no record of {id}"));
        assert_eq!(records.next(), None, "two records of {id}");
        record
    }
}

fn record(sealed: &Sealed) -> Record {
    serde_json::from_str(&sealed.record).unwrap()
}
