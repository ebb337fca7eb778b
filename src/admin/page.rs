//! Lists: their pages, and the parameters of a query.

use serde::Serialize;

use crate::error::Error;
use crate::http::Reply;
use crate::ports::Page;

/// Entries of a page where the caller names no number.
const USUAL: u32 = 100;
const LIMITS: std::ops::RangeInclusive<u32> = 1..=500;

/// A list, as every path of the API gives it.
#[derive(Serialize)]
struct List<T> {
    object: &'static str,
    data: Vec<T>,
    /// Pass as `after` for the next page; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A page of a list. `rows` may have one more than asked for, which says that there is a next page;
/// `name` gives what an entry is found again by.
pub(super) fn paged<T: Serialize>(
    mut rows: Vec<T>,
    page: &Page,
    name: impl Fn(&T) -> String,
) -> Reply {
    let most = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let more = rows.len() > most;
    rows.truncate(most);
    let list = List {
        object: "list",
        next: rows.last().filter(|_| more).map(name),
        data: rows,
    };
    Reply::json(200, &list)
}

/// A page that a query asks for, with the filters that the path takes.
///
/// # Errors
/// `InvalidRequest`.
pub(super) fn page<const N: usize>(
    query: &str,
    filters: [&'static str; N],
) -> Result<(Page, [Option<String>; N]), Error> {
    let mut page = Page {
        after: None,
        limit: USUAL,
    };
    let mut values = [const { None }; N];
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "after" => page.after = Some(value.into_owned()),
            "limit" => page.limit = limit(&value)?,
            _ => {
                let known = || [&filters[..], &["after", "limit"]].concat();
                *slot(&mut values, filters, &name, known)? = Some(value.into_owned());
            }
        }
    }
    Ok((page, values))
}

fn limit(text: &str) -> Result<u32, Error> {
    let limit = text.parse().ok().filter(|limit| LIMITS.contains(limit));
    limit.ok_or_else(|| Error::invalid("limit", "`limit` is 1 to 500."))
}

/// The values of the parameters that a path takes.
///
/// # Errors
/// `InvalidRequest` for any other.
pub(super) fn parameters<const N: usize>(
    query: &str,
    names: [&'static str; N],
) -> Result<[Option<String>; N], Error> {
    let mut values = [const { None }; N];
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        *slot(&mut values, names, &name, || names.to_vec())? = Some(value.into_owned());
    }
    Ok(values)
}

/// The place of a parameter's value.
fn slot<'v, const N: usize>(
    values: &'v mut [Option<String>; N],
    names: [&'static str; N],
    name: &str,
    known: impl FnOnce() -> Vec<&'static str>,
) -> Result<&'v mut Option<String>, Error> {
    let place = names.iter().position(|known| *known == name);
    let slot = place.and_then(|place| values.get_mut(place));
    slot.ok_or_else(|| unknown(name, &known()))
}

/// The refusal of a parameter that a path does not take, with those that it does.
pub(super) fn unknown(name: &str, known: &[&str]) -> Error {
    let message = match known {
        [] => "This path takes no parameters.".to_owned(),
        known => format!("This path takes the parameters {}.", known.join(", ")),
    };
    let shown: String = name.chars().take(50).collect();
    Error::invalid(shown, message)
}
