//! What a text rests on, as Anthropic says it.
//!
//! <https://docs.anthropic.com/en/docs/build-with-claude/citations>

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::Error;
use crate::protocol::json::{Json, MAX_ELEMENTS, Object, Path, Value, text};
use crate::protocol::{Citation, Family};

/// Reads the citations of a text that comes back.
pub(super) fn parse_all(value: Value<'_, '_>) -> Result<Vec<Citation>, Error> {
    let items = value.array(MAX_ELEMENTS)?.into_iter().enumerate();
    let parse = |(index, raw)| {
        let path = Path::Index(value.path, index);
        let value = Value::new(raw, &path);
        let object = value.object()?;
        object.required_string(&path, "type", "Send the citation as it came.")?;
        Ok(of(&object, raw))
    };
    items.map(parse).collect()
}

/// Reads a citation of an answer, or `None` where it is none.
pub(crate) fn read(raw: &RawValue) -> Option<Citation> {
    let object = Object::of(raw)?;
    object.get("type")?;
    Some(of(&object, raw))
}

fn of(object: &Object<'_>, raw: &RawValue) -> Citation {
    let string = |names: &[&str]| object.first(names).and_then(text);
    // One that was written here says nothing to Anthropic.
    let ours = string(&["encrypted_index"]).is_some_and(|index| index.is_empty());
    Citation {
        url: string(&["url"]),
        title: string(&["title", "document_title"]),
        quote: string(&["cited_text"]),
        span: None,
        native: (!ours).then(|| (Family::Anthropic, Json::from(raw))),
    }
}

/// A page of the web that another provider cites.
#[derive(Serialize)]
struct WebPage<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    cited_text: &'a str,
    encrypted_index: &'static str,
    title: &'a str,
    url: &'a str,
}

/// Writes a citation; `None` where this wire has no place for it.
pub(super) fn write(citation: &Citation) -> Option<Cow<'_, Json>> {
    if let Some(json) = own(citation) {
        return Some(Cow::Borrowed(json));
    }
    let page = WebPage {
        kind: "web_search_result_location",
        cited_text: citation.quote.as_deref().unwrap_or_default(),
        encrypted_index: "",
        title: citation.title.as_deref().unwrap_or_default(),
        url: citation.url.as_deref()?,
    };
    Some(Cow::Owned(Json::of(&page)))
}

/// A citation that Anthropic wrote.
pub(crate) fn own(citation: &Citation) -> Option<&Json> {
    let (family, json) = citation.native.as_ref()?;
    (*family == Family::Anthropic).then_some(json)
}
