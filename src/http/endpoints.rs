//! The table of paths: method and path to an [`Endpoint`], or 404, or 405 with `Allow`.

use std::borrow::Cow;

use super::gateway::{self, Gateway};
use super::template::matched;
use crate::error::{Error, Kind};
use crate::protocol::{ChatPath, Dialect};

/// An HTTP method that some path takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// DELETE
    Delete,
    /// GET, and HEAD, which the platform answers from it.
    Get,
    /// Any method that no path takes.
    Other,
    /// PATCH
    Patch,
    /// POST
    Post,
    /// PUT
    Put,
}

impl Method {
    /// Parses the method's name as it stands in a request.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        match name {
            "DELETE" => Self::Delete,
            "GET" | "HEAD" => Self::Get,
            "PATCH" => Self::Patch,
            "POST" => Self::Post,
            "PUT" => Self::Put,
            _ => Self::Other,
        }
    }

    /// The method's name as it stands in a request.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Other => "",
            Self::Patch => "PATCH",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

/// What a path asks for. Borrowed parts are path segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint<'a> {
    /// What stands behind `/admin/v1/`: the administration has a table of its own.
    Admin(&'a str),
    /// A conversation in any wire, e.g. `POST /v1/chat/completions`.
    Chat(ChatPath<'a>),
    /// `POST /v1/messages/count_tokens`, `POST /v1beta/models/{model}:countTokens`
    CountTokens(ChatPath<'a>),
    /// `GET|POST /v1/knowledge/documents`
    Documents,
    /// `POST /v1beta/models/{model}:embedContent` and `:batchEmbedContents`
    EmbedContent(EmbedPath<'a>),
    /// `DELETE /v1/knowledge/documents/{id}`
    Document(&'a str),
    /// `GET /health`
    Health,
    /// `GET /openapi.json`
    OpenApi,
    /// `GET /v1/models/{id}`; an id may hold slashes.
    Model(&'a str),
    /// `GET /v1/models`
    Models,
    /// `GET|DELETE /v1/responses/{id}`
    Response(&'a str),
    /// `GET /v1/responses/{id}/input_items`
    ResponseInput(&'a str),
    /// Several calls of which the first that is answered counts: `POST /v1/{account}/{gateway}`.
    Universal(Gateway<'a>),
    /// A path that is one call and no conversation.
    Work(Work, Gateway<'a>),
}

/// A path of Google's that embeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbedPath<'a> {
    /// Account and provider, where the path names them.
    pub gateway: Gateway<'a>,
    /// The model.
    pub model: &'a str,
    /// Whether the body has several requests.
    pub batch: bool,
}

/// What a path does that is one call and no conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// `POST /v1/embeddings`
    Embeddings,
    /// `POST /v1/images/generations`
    Images,
    /// `POST /v1/moderations`
    Moderations,
    /// `POST /v1/rerank`
    Rerank,
    /// `POST /v1/audio/speech`
    Speech,
    /// `POST /v1/audio/transcriptions`
    Transcription,
    /// `POST /v1/audio/translations`
    Translation,
}

/// Finds what a path asks for.
///
/// # Errors
/// `NotFound` for an unknown path, `MethodNotAllowed` (with the methods that exist) for a known one.
pub fn resolve(method: Method, path: &str) -> Result<Endpoint<'_>, Error> {
    if let Some(rest) = path.strip_prefix("/admin/v1/") {
        return Ok(Endpoint::Admin(rest.strip_suffix('/').unwrap_or(rest)));
    }
    let (endpoint, allow) = find(path).ok_or_else(nothing)?;
    if allows(allow, method) {
        return Ok(endpoint);
    }
    Err(not_allowed(allow))
}

/// There is nothing at a path.
#[must_use]
pub fn nothing() -> Error {
    let message = "There is nothing at this path. OpenAI clients use the base URL https://HOST/v1; see the README for the others.";
    Error::new(Kind::NotFound, message)
}

/// There is something at a path, for the methods `allow`.
#[must_use]
pub fn not_allowed(allow: impl Into<Cow<'static, str>>) -> Error {
    let allow = allow.into();
    let message = format!("This path takes {allow}.");
    Error {
        allow: Some(allow),
        ..Error::new(Kind::MethodNotAllowed, message)
    }
}

fn find(path: &str) -> Option<(Endpoint<'_>, &'static str)> {
    let path = path.strip_prefix('/')?;
    let path = path.strip_suffix('/').unwrap_or(path);
    let inference = || {
        let rest = path.strip_prefix("v1/")?;
        Some((inference(rest, Gateway::default())?, "POST"))
    };
    let gateway = || Some((gateway::find(path)?, "POST"));
    own(path).or_else(inference).or_else(gateway)
}

/// What a path of inference (without `v1/` before it) asks for, of a provider or of any.
pub(super) fn inference<'a>(path: &str, gateway: Gateway<'a>) -> Option<Endpoint<'a>> {
    let (_, endpoint) = INFERENCE.iter().find(|(known, _)| *known == path)?;
    Some(endpoint(gateway))
}

/// The paths that are neither inference nor a gateway's.
fn own(path: &str) -> Option<(Endpoint<'_>, &'static str)> {
    OWN.iter().find_map(|(template, allow, endpoint)| {
        let [name] = matched(template, path)?;
        Some((endpoint(name), *allow))
    })
}

/// Templates of paths with their methods and what they ask for.
type Own = (
    &'static str,
    &'static str,
    for<'a> fn(&'a str) -> Endpoint<'a>,
);

/// Paths of Esclusa itself, but those of administration and inference.
const OWN: &[Own] = &[
    ("health", "GET", |_| Endpoint::Health),
    ("openapi.json", "GET", |_| Endpoint::OpenApi),
    ("v1/models", "GET", |_| Endpoint::Models),
    ("v1/models/{model...}", "GET", |id| Endpoint::Model(id)),
    ("v1/responses/{id}", "GET, DELETE", |id| {
        Endpoint::Response(id)
    }),
    ("v1/responses/{id}/input_items", "GET", |id| {
        Endpoint::ResponseInput(id)
    }),
    ("v1/knowledge/documents", "GET, POST", |_| {
        Endpoint::Documents
    }),
    ("v1/knowledge/documents/{id}", "DELETE", |id| {
        Endpoint::Document(id)
    }),
];

/// A path with what it asks for, of a provider or of any.
type Inference = (&'static str, for<'a> fn(Gateway<'a>) -> Endpoint<'a>);

/// Paths of inference behind `v1/`, or behind a provider.
const INFERENCE: &[Inference] = &[
    ("audio/speech", |it| Endpoint::Work(Work::Speech, it)),
    ("audio/transcriptions", |it| {
        Endpoint::Work(Work::Transcription, it)
    }),
    ("audio/translations", |it| {
        Endpoint::Work(Work::Translation, it)
    }),
    ("chat/completions", |it| {
        Endpoint::Chat(chat(Dialect::OpenAiChat, it))
    }),
    ("embeddings", |it| Endpoint::Work(Work::Embeddings, it)),
    ("images/generations", |it| Endpoint::Work(Work::Images, it)),
    ("messages", |it| {
        Endpoint::Chat(chat(Dialect::Anthropic, it))
    }),
    ("messages/count_tokens", |it| {
        Endpoint::CountTokens(chat(Dialect::Anthropic, it))
    }),
    ("moderations", |it| Endpoint::Work(Work::Moderations, it)),
    ("rerank", |it| Endpoint::Work(Work::Rerank, it)),
    ("responses", |it| {
        Endpoint::Chat(chat(Dialect::OpenAiResponses, it))
    }),
    ("run", |it| Endpoint::Chat(chat(Dialect::Run, it))),
];

fn chat(dialect: Dialect, gateway: Gateway<'_>) -> ChatPath<'_> {
    ChatPath {
        dialect,
        gateway,
        ..ChatPath::default()
    }
}

/// Every path but those of administration as a template, with its methods: for who describes them.
pub fn paths() -> impl Iterator<Item = (String, &'static str)> {
    let own = OWN
        .iter()
        .map(|(path, allow, _)| (format!("/{path}"), *allow));
    let inference = INFERENCE
        .iter()
        .map(|(path, _)| (format!("/v1/{path}"), "POST"));
    let gateway = gateway::FORMS
        .iter()
        .map(|path| ((*path).to_owned(), "POST"));
    own.chain(inference).chain(gateway)
}

fn allows(allow: &str, method: Method) -> bool {
    allow.split(", ").any(|name| Method::parse(name) == method)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_resolve() {
        let messages = ChatPath {
            dialect: Dialect::Anthropic,
            ..ChatPath::default()
        };
        let cases = [
            (
                Method::Post,
                "/v1/chat/completions",
                Endpoint::Chat(ChatPath::default()),
            ),
            (
                Method::Post,
                "/v1/chat/completions/",
                Endpoint::Chat(ChatPath::default()),
            ),
            (Method::Post, "/v1/messages", Endpoint::Chat(messages)),
            (
                Method::Post,
                "/v1/messages/count_tokens",
                Endpoint::CountTokens(ChatPath {
                    dialect: Dialect::Anthropic,
                    ..ChatPath::default()
                }),
            ),
            (Method::Get, "/health", Endpoint::Health),
            (
                Method::Get,
                "/v1/responses/resp_1",
                Endpoint::Response("resp_1"),
            ),
            (
                Method::Get,
                "/v1/responses/resp_1/input_items",
                Endpoint::ResponseInput("resp_1"),
            ),
            (Method::Get, "/v1/knowledge/documents", Endpoint::Documents),
            (
                Method::Delete,
                "/v1/knowledge/documents/d1",
                Endpoint::Document("d1"),
            ),
            (
                Method::Put,
                "/admin/v1/orgs/acme/config/",
                Endpoint::Admin("orgs/acme/config"),
            ),
        ];
        for (method, path, endpoint) in cases {
            assert_eq!(resolve(method, path).unwrap(), endpoint, "{path}");
        }
    }

    #[test]
    fn unknown_paths_are_404() {
        let paths = [
            "",
            "/",
            "//",
            "/v1",
            "/v1/chat",
            "/v1/chat/completions/x",
            "/v1/messages/x",
            "/v1/messages/count_tokens/x",
            "/health/x",
            "/admin/v1",
            "/v1/knowledge/documents/d/x",
            "/V1/models",
        ];
        for path in paths {
            assert_eq!(
                resolve(Method::Get, path).unwrap_err().kind,
                Kind::NotFound,
                "{path}"
            );
        }
    }

    #[test]
    fn a_wrong_method_names_the_right_ones() {
        let error = resolve(Method::Get, "/v1/chat/completions").unwrap_err();
        assert_eq!(
            (error.kind, error.allow.as_deref()),
            (Kind::MethodNotAllowed, Some("POST"))
        );
        let error = resolve(Method::Other, "/v1/knowledge/documents").unwrap_err();
        assert_eq!(error.allow.as_deref(), Some("GET, POST"));
    }
}
