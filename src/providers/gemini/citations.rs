//! What an answer rests on: pages that the model searched, and works that it recites.

use serde_json::value::RawValue;

use crate::protocol::json::{self, Json, Object};
use crate::protocol::{Citation, Family};

/// Reads the citations of a candidate whose whole text is `text`.
pub(super) fn citations(candidate: &Object<'_>, text: &str) -> Vec<Citation> {
    let mut citations = grounding(candidate, text).unwrap_or_default();
    citations.extend(recited(candidate, text).unwrap_or_default());
    citations
}

/// `groundingMetadata`: pages, and which words each supports.
/// <https://ai.google.dev/gemini-api/docs/google-search>
fn grounding(candidate: &Object<'_>, text: &str) -> Option<Vec<Citation>> {
    let metadata = Object::of(candidate.get("groundingMetadata")?)?;
    let pages = json::elements(metadata.get("groundingChunks")?)?;
    let supports = metadata.get("groundingSupports").and_then(json::elements);
    let supports = supports.unwrap_or_default();
    if supports.is_empty() {
        return Some(pages.into_iter().filter_map(page).collect());
    }
    let cited = supports.into_iter().filter_map(|raw| {
        let support = Object::of(raw)?;
        let segment = Object::of(support.get("segment")?)?;
        let places = json::elements(support.get("groundingChunkIndices")?)?;
        let span = span(&segment, text);
        let quote = segment.get("text").and_then(json::text);
        let pages = places
            .into_iter()
            .filter_map(|place| page(pages.get(index(place)?)?));
        let cited: Vec<Citation> = pages
            .map(|page| Citation {
                quote: quote.clone(),
                span,
                ..page
            })
            .collect();
        Some(cited)
    });
    Some(cited.flatten().collect())
}

fn page(raw: &RawValue) -> Option<Citation> {
    let chunk = Object::of(raw)?;
    let source = Object::of(chunk.first(&["web", "retrievedContext", "maps"])?)?;
    let text = |name| source.get(name).and_then(json::text);
    Some(Citation {
        url: text("uri"),
        title: text("title"),
        ..Citation::default()
    })
}

/// `citationMetadata`: works that the text repeats.
fn recited(candidate: &Object<'_>, text: &str) -> Option<Vec<Citation>> {
    let metadata = Object::of(candidate.get("citationMetadata")?)?;
    let sources = json::elements(metadata.first(&["citationSources", "citations"])?)?;
    let cited = sources.into_iter().filter_map(|raw| {
        let source = Object::of(raw)?;
        let field = |name| source.get(name).and_then(json::text);
        Some(Citation {
            url: field("uri"),
            title: field("title"),
            quote: None,
            span: span(&source, text),
            native: Some((Family::Google, Json::from(raw))),
        })
    });
    Some(cited.collect())
}

/// Where a segment stands in the text, in characters: this wire counts bytes, and leaves a zero out.
fn span(segment: &Object<'_>, text: &str) -> Option<(u32, u32)> {
    let start = segment.get("startIndex").map_or(Some(0), index)?;
    let end = segment.get("endIndex").and_then(index)?;
    let characters = |bytes| {
        let before: &str = text.get(..bytes)?;
        u32::try_from(before.chars().count()).ok()
    };
    characters(start).zip(characters(end))
}

fn index(raw: &RawValue) -> Option<usize> {
    raw.get().parse().ok()
}
