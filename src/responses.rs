//! Stored responses: `GET` and `DELETE /v1/responses/{id}`, and their input.
//!
//! A response belongs to the key that made it. `request/conversation.rs` stores them.

use crate::auth::Scope;
use crate::error::{Error, Kind};
use crate::http::{Incoming, Method, Reply};
use crate::isolate::Isolate;
use crate::ports::{Owner, Ports};
use crate::protocol::openai_responses::{PageOf, Record, Removal};
use crate::request::admit::authenticate_now;

/// Items of a page where nothing is said.
const USUAL_ITEMS: usize = 20;
/// Bounds of a page.
const ITEMS: std::ops::RangeInclusive<usize> = 1..=100;

/// Gives or removes a response.
///
/// # Errors
/// `NotFound`, and those of authentication and of the store.
pub async fn response(
    ports: &Ports,
    isolate: &Isolate,
    incoming: &dyn Incoming,
    id: &str,
) -> Result<Reply, Error> {
    let owner = owner(ports, isolate, incoming).await?;
    if incoming.method() == Method::Delete {
        let removed = ports.responses.delete(&owner, id).await?;
        return if removed {
            Ok(Reply::json(200, &Removal::new(id)))
        } else {
            Err(not_found(id))
        };
    }
    let mut query = form_urlencoded::parse(incoming.query().as_bytes());
    if query.any(|(name, value)| name == "stream" && value == "true") {
        let message = "A stored response is not streamed again here. Leave `stream` out.";
        return Err(Error::invalid("stream", message));
    }
    let found = read(ports, &owner, id).await?;
    let record = found.ok_or_else(|| not_found(id))?;
    Ok(Reply::json(200, &record.response))
}

/// Lists what a response is the answer to.
///
/// # Errors
/// `NotFound`, `InvalidRequest`, and those of authentication and of the store.
pub async fn input_items(
    ports: &Ports,
    isolate: &Isolate,
    incoming: &dyn Incoming,
    id: &str,
) -> Result<Reply, Error> {
    let owner = owner(ports, isolate, incoming).await?;
    let query: Vec<_> = form_urlencoded::parse(incoming.query().as_bytes()).collect();
    let asked = |name: &str| {
        let mut pairs = query.iter();
        pairs
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_ref())
    };
    let page = PageOf {
        ascending: ascending(asked("order"))?,
        after: asked("after"),
        limit: limit(asked("limit"))?,
    };
    let found = read(ports, &owner, id).await?;
    let record = found.ok_or_else(|| not_found(id))?;
    let items = record.page(&page).ok_or_else(|| {
        let message = "`after` names none of the input items of this response.";
        Error::invalid("after", message)
    })?;
    Ok(Reply::json(200, &items))
}

/// A response of `owner` that has not expired, with its conversation.
///
/// # Errors
/// Those of the store.
pub async fn read(ports: &Ports, owner: &Owner, id: &str) -> Result<Option<Record>, Error> {
    let row = ports.responses.get(owner, id).await?;
    let Some(row) = row.filter(|row| row.expires_at > ports.clock.now()) else {
        return Ok(None);
    };
    serde_json::from_str(&row.body)
        .map(Some)
        .map_err(|error| Error::internal(format!("the stored response {id}: {error}")))
}

async fn owner(ports: &Ports, isolate: &Isolate, incoming: &dyn Incoming) -> Result<Owner, Error> {
    let principal = authenticate_now(ports, isolate, incoming, Scope::Inference).await?;
    Ok(Owner {
        org: principal.org,
        key: principal.key,
    })
}

fn not_found(id: &str) -> Error {
    let shown: String = id.chars().take(80).collect();
    let message = format!("There is no stored response `{shown}` for this key.");
    Error::new(Kind::NotFound, message)
}

fn ascending(order: Option<&str>) -> Result<bool, Error> {
    match order {
        None | Some("desc") => Ok(false),
        Some("asc") => Ok(true),
        Some(_) => Err(Error::invalid("order", "`order` is asc or desc.")),
    }
}

fn limit(text: Option<&str>) -> Result<usize, Error> {
    let Some(text) = text else {
        return Ok(USUAL_ITEMS);
    };
    let limit = text.parse().ok().filter(|limit| ITEMS.contains(limit));
    limit.ok_or_else(|| Error::invalid("limit", "`limit` is 1 to 100."))
}
