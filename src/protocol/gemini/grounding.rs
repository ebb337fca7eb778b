//! What an answer rests on, as Google has it: pages with the words they support, and recited works.

use serde::Serialize;

use crate::protocol::{Citation, Family, Json};

/// The `groundingMetadata` of a candidate.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroundingBody<'a> {
    grounding_chunks: Vec<ChunkBody<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    grounding_supports: Vec<SupportBody<'a>>,
}

#[derive(Debug, PartialEq, Serialize)]
struct ChunkBody<'a> {
    web: PageBody<'a>,
}

#[derive(Debug, PartialEq, Serialize)]
struct PageBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SupportBody<'a> {
    segment: SegmentBody<'a>,
    grounding_chunk_indices: [usize; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SegmentBody<'a> {
    start_index: usize,
    end_index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

impl<'a> GroundingBody<'a> {
    /// The pages that `citations` of a text name; nothing where they name none.
    pub(super) fn of(citations: &'a [Citation], text: &str) -> Option<Self> {
        let mut body = Self {
            grounding_chunks: Vec::new(),
            grounding_supports: Vec::new(),
        };
        for citation in citations.iter().filter(|it| recited(it).is_none()) {
            let place = body.page(citation);
            let segment = SegmentBody::of(citation, text);
            body.grounding_supports
                .extend(segment.map(|segment| SupportBody {
                    segment,
                    grounding_chunk_indices: [place],
                }));
        }
        (!body.grounding_chunks.is_empty()).then_some(body)
    }

    /// Where the page of a citation stands among the chunks.
    fn page(&mut self, citation: &'a Citation) -> usize {
        let chunk = ChunkBody {
            web: PageBody {
                uri: citation.url.as_deref(),
                title: citation.title.as_deref(),
            },
        };
        let known = self.grounding_chunks.iter().position(|it| *it == chunk);
        known.unwrap_or_else(|| {
            self.grounding_chunks.push(chunk);
            self.grounding_chunks.len().saturating_sub(1)
        })
    }
}

impl<'a> SegmentBody<'a> {
    fn of(citation: &'a Citation, text: &str) -> Option<Self> {
        let (start, end) = citation.span?;
        Some(Self {
            start_index: bytes(text, start),
            end_index: bytes(text, end),
            text: citation.quote.as_deref(),
        })
    }
}

/// Bytes of the first `characters` of a text: Google counts those.
fn bytes(text: &str, characters: u32) -> usize {
    let characters = usize::try_from(characters).unwrap_or(usize::MAX);
    let end = text.char_indices().nth(characters);
    end.map_or(text.len(), |(at, _)| at)
}

/// The `citationMetadata` of a candidate.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CitationsBody<'a> {
    citation_sources: Vec<&'a Json>,
}

impl<'a> CitationsBody<'a> {
    /// The works that `citations` recite; nothing where they recite none.
    pub(super) fn of(citations: &'a [Citation]) -> Option<Self> {
        let citation_sources: Vec<&Json> = citations.iter().filter_map(recited).collect();
        (!citation_sources.is_empty()).then_some(Self { citation_sources })
    }
}

/// The source of a recited work, as Google gave it.
const fn recited(citation: &Citation) -> Option<&Json> {
    match &citation.native {
        Some((Family::Google, source)) => Some(source),
        _ => None,
    }
}
