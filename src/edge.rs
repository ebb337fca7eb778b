//! The only place that names the platform: one small adapter for each port, the event that brings a
//! request in, and the Durable Object around the governor. Nothing is decided here.

mod administration;
mod ai;
mod audit_log;
mod background;
mod clock;
mod cron_event;
mod d1;
mod documents;
mod entropy;
mod feedback;
mod fetch_event;
mod governor_do;
mod governors;
mod incoming;
mod js;
mod kv;
mod log;
mod models;
mod r2;
mod reply;
mod response;
mod responses;
mod secrets;
mod tenants;
mod upstream;
mod vectorize;
mod zones;

use std::rc::Rc;

use worker::Env;

use crate::ports::{Background, Ports};

/// The ports over this event's bindings. Bindings are looked up when they are used.
fn ports(env: &Rc<Env>, background: Rc<dyn Background>) -> Ports {
    let database = d1::Database::new(Rc::clone(env));
    Ports {
        administration: Rc::new(administration::D1Administration::new(database.clone())),
        audit: Rc::new(audit_log::D1AuditLog::new(database.clone())),
        background,
        cache: Rc::new(kv::KvAnswerCache::new(Rc::clone(env))),
        clock: Rc::new(clock::PlatformClock),
        documents: Rc::new(documents::D1Documents::new(database.clone())),
        entropy: Rc::new(entropy::PlatformEntropy),
        feedback: Rc::new(feedback::D1Feedback::new(database.clone())),
        files: Rc::new(r2::Bucket::new(Rc::clone(env))),
        governors: Rc::new(governors::GovernorObjects::new(Rc::clone(env))),
        log: Rc::new(log::ConsoleLog),
        models: Rc::new(models::PlatformModels::new(Rc::clone(env))),
        responses: Rc::new(responses::StoredResponses::new(
            database.clone(),
            Rc::clone(env),
        )),
        secrets: Rc::new(secrets::EnvSecrets::new(Rc::clone(env))),
        tenants: Rc::new(tenants::D1Tenants::new(database)),
        vectors: Rc::new(vectorize::VectorizeIndex::new(Rc::clone(env))),
        zones: Rc::new(zones::IntlZones),
    }
}
