//! What both directions of the wire write: contents and their parts.

use std::borrow::Cow;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::protocol::Json;

/// One turn.
#[derive(Debug, Serialize)]
pub(crate) struct ContentBody<'a> {
    pub(crate) parts: Vec<PartBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<&'static str>,
}

/// A part of a turn: what it is, and the marks of a thought.
#[derive(Debug)]
pub(crate) struct PartBody<'a> {
    pub(crate) data: Data<'a>,
    pub(crate) thought: bool,
    pub(crate) thought_signature: Option<Cow<'a, str>>,
}

impl<'a> PartBody<'a> {
    /// A part that is no thought.
    pub(crate) const fn new(data: Data<'a>) -> Self {
        Self {
            data,
            thought: false,
            thought_signature: None,
        }
    }

    /// A part of text.
    pub(crate) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::new(Data::Text(text.into()))
    }

    /// Whether it calls a function.
    pub(crate) const fn is_call(&self) -> bool {
        matches!(self.data, Data::FunctionCall(_))
    }
}

impl Serialize for PartBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Data::Native(part) = self.data {
            return part.serialize(serializer);
        }
        let mut map = serializer.serialize_map(None)?;
        match &self.data {
            Data::File(file) => map.serialize_entry("fileData", file)?,
            Data::FunctionCall(call) => map.serialize_entry("functionCall", call)?,
            Data::FunctionResponse(gave) => map.serialize_entry("functionResponse", gave)?,
            Data::Inline(blob) => map.serialize_entry("inlineData", blob)?,
            Data::Native(_) => {}
            Data::Text(text) => map.serialize_entry("text", text)?,
        }
        if self.thought {
            map.serialize_entry("thought", &true)?;
        }
        if let Some(signature) = &self.thought_signature {
            map.serialize_entry("thoughtSignature", signature)?;
        }
        map.end()
    }
}

/// What a part is.
#[derive(Debug)]
pub(crate) enum Data<'a> {
    File(FileBody<'a>),
    FunctionCall(CallBody<'a>),
    FunctionResponse(ResponseBody<'a>),
    Inline(BlobBody<'a>),
    /// A whole part, as it came.
    Native(&'a Json),
    Text(Cow<'a, str>),
}

/// Bytes in base64.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BlobBody<'a> {
    pub(crate) mime_type: &'a str,
    pub(crate) data: &'a str,
}

/// Bytes by their address.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mime_type: Option<&'a str>,
    pub(crate) file_uri: &'a str,
}

/// A call of a function.
#[derive(Debug, Serialize)]
pub(crate) struct CallBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<&'a str>,
    pub(crate) name: &'a str,
    pub(crate) args: Json,
}

/// What a function gave.
#[derive(Debug, Serialize)]
pub(crate) struct ResponseBody<'a> {
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) response: Json,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) parts: Vec<ResponsePart<'a>>,
}

/// A medium that a function gave.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResponsePart<'a> {
    pub(crate) inline_data: BlobBody<'a>,
}
