//! End users of an org, as far as its records name them.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde::Serialize;

use super::page::{page, paged};
use super::{Asked, audit};
use crate::error::{Error, Kind};
use crate::http::Reply;
use crate::ports::{Page, SeenUser};
use crate::request::exchange::Exchange;

#[derive(Serialize)]
struct Shown {
    user: String,
    requests: u64,
    spent_usd: String,
    first_at: u64,
    last_at: u64,
}

impl From<SeenUser> for Shown {
    fn from(seen: SeenUser) -> Self {
        Self {
            user: seen.user,
            requests: seen.requests,
            spent_usd: seen.spent.to_usd(),
            first_at: seen.first_at,
            last_at: seen.last_at,
        }
    }
}

/// Those whom records of the last 30 days name, with what these records come to.
pub(super) async fn list(asked: Asked<'_>) -> Result<Reply, Error> {
    let (page, []) = page(asked.incoming.query(), [])?;
    let users = seen(asked, None, &page).await?;
    Ok(paged(users, &page, |shown| shown.user.clone()))
}

pub(super) async fn get(asked: Asked<'_>) -> Result<Reply, Error> {
    let page = Page {
        after: None,
        limit: 1,
    };
    let found = seen(asked, Some(&user(asked)?), &page).await?;
    let missing = || Error::new(Kind::NotFound, "No record of the org names this user.");
    let shown = found.into_iter().next().ok_or_else(missing)?;
    Ok(Reply::json(200, &shown))
}

async fn seen(asked: Asked<'_>, only: Option<&str>, page: &Page) -> Result<Vec<Shown>, Error> {
    asked.ports.governors.flush(asked.org).await?;
    let administration = &asked.ports.administration;
    let users = administration.seen_users(asked.org, only, page).await?;
    Ok(users.into_iter().map(Shown::from).collect())
}

/// Forgets who an end user was. The record of this names the user by the digest that the user's own
/// records have.
pub(super) async fn erase(act: &mut Exchange, asked: Asked<'_>) -> Result<Reply, Error> {
    audit::erase(act, &user(asked)?).await
}

/// The user in the path.
fn user(asked: Asked<'_>) -> Result<Cow<'_, str>, Error> {
    let malformed = |_| Error::invalid("user", "The user in the path is no UTF-8 text.");
    percent_decode_str(asked.name)
        .decode_utf8()
        .map_err(malformed)
}
