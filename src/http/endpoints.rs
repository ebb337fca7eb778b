//! The table of paths: method and path to an [`Endpoint`], or 404, or 405 with `Allow`.

use super::gateway::{self, Gateway};
use crate::error::{Error, Kind};
use crate::protocol::{ChatPath, Dialect};

/// Segments of a path that are looked at: more than any path has.
const MAX_SEGMENTS: usize = 12;

/// An HTTP method that some path takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// DELETE
    Delete,
    /// GET, and HEAD, which the platform answers from it.
    Get,
    /// Any method that no path takes.
    Other,
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
            "POST" => Self::Post,
            "PUT" => Self::Put,
            _ => Self::Other,
        }
    }
}

/// What a path asks for. Borrowed parts are path segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint<'a> {
    /// `GET /admin/v1/audit`
    Audit,
    /// `GET /admin/v1/audit/export`
    AuditExport,
    /// `GET /admin/v1/audit/verify`
    AuditVerify,
    /// A conversation in any wire, e.g. `POST /v1/chat/completions`.
    Chat(ChatPath<'a>),
    /// `GET|PUT /admin/v1/orgs/{org}/config`
    Config(&'a str),
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
    /// `DELETE /admin/v1/orgs/{org}/keys/{id}`
    Key(&'a str, &'a str),
    /// `GET|POST /admin/v1/orgs/{org}/keys`
    Keys(&'a str),
    /// `GET /admin/v1/orgs/{org}/limits`
    Limits(&'a str),
    /// `/admin/v1/orgs/{org}/alerts`
    Alerts(&'a str),
    /// `/admin/v1/orgs/{org}/credits`
    Credits(&'a str),
    /// `GET /v1/models/{id}`; an id may hold slashes.
    Model(&'a str),
    /// `GET /v1/models`
    Models,
    /// `GET|POST /admin/v1/orgs`
    Orgs,
    /// `GET|DELETE /v1/responses/{id}`
    Response(&'a str),
    /// `GET /v1/responses/{id}/input_items`
    ResponseInput(&'a str),
    /// `PUT|DELETE /admin/v1/switches/{switch}`, `/admin/v1/orgs/{org}/switches/{switch}`; a name may hold
    /// slashes.
    Switch(Option<&'a str>, &'a str),
    /// `GET /admin/v1/switches`, `/admin/v1/orgs/{org}/switches`
    Switches(Option<&'a str>),
    /// `DELETE /admin/v1/orgs/{org}/users/{user}/records`
    UserRecords(&'a str, &'a str),
    /// `GET|DELETE /admin/v1/orgs/{org}/transcripts/{request}`
    Transcript(&'a str, &'a str),
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
    let (endpoint, allow) = find(path).ok_or_else(|| {
        let message = "There is nothing at this path. OpenAI clients use the base URL https://HOST/v1; see the README for the others.";
        Error::new(Kind::NotFound, message)
    })?;
    if allows(allow, method) {
        return Ok(endpoint);
    }
    let message = format!("This path takes {allow}.");
    Err(Error {
        allow: Some(allow),
        ..Error::new(Kind::MethodNotAllowed, message)
    })
}

fn find(path: &str) -> Option<(Endpoint<'_>, &'static str)> {
    let path = path.strip_prefix('/')?;
    let path = path.strip_suffix('/').unwrap_or(path);
    let segments: Vec<&str> = path.split('/').take(MAX_SEGMENTS).collect();
    let inference = || {
        let rest = path.strip_prefix("v1/")?;
        Some((inference(rest, Gateway::default())?, "POST"))
    };
    let gateway = || Some((gateway::find(path)?, "POST"));
    own(path, &segments).or_else(inference).or_else(gateway)
}

/// What a path of inference (without `v1/` before it) asks for, of a provider or of any.
pub(super) fn inference<'a>(path: &str, gateway: Gateway<'a>) -> Option<Endpoint<'a>> {
    let of = |dialect| ChatPath {
        dialect,
        gateway,
        ..ChatPath::default()
    };
    let chat = |dialect| Endpoint::Chat(of(dialect));
    let work = match path {
        "chat/completions" => return Some(chat(Dialect::OpenAiChat)),
        "responses" => return Some(chat(Dialect::OpenAiResponses)),
        "messages" => return Some(chat(Dialect::Anthropic)),
        "run" => return Some(chat(Dialect::Run)),
        "messages/count_tokens" => return Some(Endpoint::CountTokens(of(Dialect::Anthropic))),
        "audio/speech" => Work::Speech,
        "audio/transcriptions" => Work::Transcription,
        "audio/translations" => Work::Translation,
        "embeddings" => Work::Embeddings,
        "images/generations" => Work::Images,
        "moderations" => Work::Moderations,
        "rerank" => Work::Rerank,
        _ => return None,
    };
    Some(Endpoint::Work(work, gateway))
}

/// The paths that are neither inference nor a gateway's.
fn own<'a>(path: &'a str, segments: &[&'a str]) -> Option<(Endpoint<'a>, &'static str)> {
    let found = match segments {
        ["health"] => (Endpoint::Health, "GET"),
        ["v1", "models"] => (Endpoint::Models, "GET"),
        ["v1", "models", ..] => (Endpoint::Model(path.strip_prefix("v1/models/")?), "GET"),
        ["v1", "responses", id] => (Endpoint::Response(id), "GET, DELETE"),
        ["v1", "responses", id, "input_items"] => (Endpoint::ResponseInput(id), "GET"),
        ["v1", "knowledge", "documents"] => (Endpoint::Documents, "GET, POST"),
        ["v1", "knowledge", "documents", id] => (Endpoint::Document(id), "DELETE"),
        ["admin", "v1", "audit"] => (Endpoint::Audit, "GET"),
        ["admin", "v1", "audit", "export"] => (Endpoint::AuditExport, "GET"),
        ["admin", "v1", "audit", "verify"] => (Endpoint::AuditVerify, "GET"),
        ["admin", "v1", "orgs"] => (Endpoint::Orgs, "GET, POST"),
        ["admin", "v1", "orgs", org, "config"] => (Endpoint::Config(org), "GET, PUT"),
        ["admin", "v1", "orgs", org, "limits"] => (Endpoint::Limits(org), "GET"),
        ["admin", "v1", "orgs", org, "alerts"] => (Endpoint::Alerts(org), "GET"),
        ["admin", "v1", "orgs", org, "credits"] => (Endpoint::Credits(org), "POST"),
        ["admin", "v1", "orgs", org, "keys"] => (Endpoint::Keys(org), "GET, POST"),
        ["admin", "v1", "orgs", org, "keys", id] => (Endpoint::Key(org, id), "DELETE"),
        ["admin", "v1", "switches"] => (Endpoint::Switches(None), "GET"),
        ["admin", "v1", "switches", ..] => {
            let name = path.strip_prefix("admin/v1/switches/")?;
            (Endpoint::Switch(None, name), "PUT, DELETE")
        }
        ["admin", "v1", "orgs", org, "switches"] => (Endpoint::Switches(Some(org)), "GET"),
        ["admin", "v1", "orgs", org, "switches", ..] => {
            let name = path.splitn(6, '/').nth(5)?;
            (Endpoint::Switch(Some(org), name), "PUT, DELETE")
        }
        ["admin", "v1", "orgs", org, "transcripts", request] => {
            (Endpoint::Transcript(org, request), "GET, DELETE")
        }
        ["admin", "v1", "orgs", org, "users", user, "records"] => {
            (Endpoint::UserRecords(org, user), "DELETE")
        }
        _ => return None,
    };
    Some(found)
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
                "/admin/v1/orgs/acme/config",
                Endpoint::Config("acme"),
            ),
            (
                Method::Delete,
                "/admin/v1/orgs/acme/keys/k1",
                Endpoint::Key("acme", "k1"),
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
            "/admin/v1/orgs/a",
            "/admin/v1/orgs/a/keys/k/x",
            "/admin/v1/orgs/a/config/x",
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
            (error.kind, error.allow),
            (Kind::MethodNotAllowed, Some("POST"))
        );
        let error = resolve(Method::Other, "/admin/v1/orgs").unwrap_err();
        assert_eq!(error.allow, Some("GET, POST"));
    }
}
