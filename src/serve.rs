//! What a request asks for: the one place that knows every path.

use crate::admin;
use crate::error::Error;
use crate::health::health;
use crate::http::{Endpoint, Incoming, Reply, resolve};
use crate::isolate::Isolate;
use crate::knowledge;
use crate::models::{model, models};
use crate::openapi;
use crate::ports::Ports;
use crate::protocol::Dialect;
use crate::request::notes::{EVENT_ID, event_id};
use crate::request::single::run::run;
use crate::request::single::{embed_content, work_on};
use crate::request::universal::universal;
use crate::request::{chat, failed};
use crate::responses;
use crate::tokens::count_tokens;

/// Answers a request, with the id that its caller gave it.
pub async fn serve(ports: &Ports, isolate: &Isolate, incoming: &dyn Incoming) -> Reply {
    let mut reply = Box::pin(answer(ports, isolate, incoming)).await;
    let event = incoming.header(EVENT_ID);
    if let Some(event) = event.as_deref().map(str::trim).and_then(event_id)
        && reply.header(EVENT_ID).is_none()
    {
        reply.set(EVENT_ID, event);
    }
    reply
}

async fn answer(ports: &Ports, isolate: &Isolate, incoming: &dyn Incoming) -> Reply {
    let id = match request_id(ports) {
        Ok(id) => id,
        Err(error) => return failed(ports, Dialect::default(), &error, ""),
    };
    let endpoint = resolve(incoming.method(), incoming.path());
    let dialect = match &endpoint {
        Ok(Endpoint::Chat(path) | Endpoint::CountTokens(path)) => path.dialect,
        _ => Dialect::of(incoming.path()),
    };
    let answered = match endpoint {
        Ok(Endpoint::Chat(path)) if path.dialect == Dialect::Run => {
            Ok(run(ports, isolate, incoming, &path, &id).await)
        }
        Ok(Endpoint::Chat(path)) => {
            let path = path.with_query(incoming.query());
            Ok(chat(ports, isolate, incoming, &path, &id).await)
        }
        Ok(Endpoint::CountTokens(path)) => count_tokens(ports, isolate, incoming, &path).await,
        Ok(Endpoint::Document(document)) => {
            knowledge::remove(ports, isolate, incoming, (document, &id)).await
        }
        Ok(Endpoint::Documents) => knowledge::documents(ports, isolate, incoming, &id).await,
        Ok(Endpoint::OpenApi) => openapi::document(),
        Ok(Endpoint::Health) => Ok(health(ports).await),
        Ok(Endpoint::Model(id)) => model(ports, isolate, incoming, id).await,
        Ok(Endpoint::Models) => models(ports, isolate, incoming).await,
        Ok(Endpoint::Work(work, gateway)) => {
            return work_on(ports, isolate, incoming, (work, gateway), &id).await;
        }
        Ok(Endpoint::EmbedContent(path)) => {
            return embed_content(ports, isolate, incoming, path, &id).await;
        }
        Ok(Endpoint::Response(response)) => {
            responses::response(ports, isolate, incoming, response).await
        }
        Ok(Endpoint::ResponseInput(response)) => {
            responses::input_items(ports, isolate, incoming, response).await
        }
        Ok(Endpoint::Universal(gateway)) => {
            return universal(ports, isolate, incoming, gateway, &id).await;
        }
        Ok(Endpoint::Admin(path)) => admin::serve(ports, isolate, incoming, (path, &id)).await,
        Err(error) => Err(error),
    };
    let mut reply = answered.unwrap_or_else(|error| failed(ports, dialect, &error, &id));
    if reply.header("x-request-id").is_none() {
        reply.set("x-request-id", id.clone());
    }
    dialect.sign(&mut reply, id);
    reply
}

/// A UUID version 7: unique, and in the order of time.
fn request_id(ports: &Ports) -> Result<String, Error> {
    let random = ports.entropy.bytes()?;
    let head = random.first_chunk::<10>().copied().unwrap_or_default();
    let id = uuid::Builder::from_unix_timestamp_millis(ports.clock.now(), &head);
    Ok(id.into_uuid().hyphenated().to_string())
}
