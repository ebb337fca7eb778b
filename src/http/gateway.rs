//! The paths of Cloudflare's AI Gateway, so that an application moves here by changing the host:
//! `/v1/{account}/{gateway}/{provider}/…`, the same without account and gateway, and `compat`.
//!
//! <https://developers.cloudflare.com/ai-gateway/usage/providers/>

use super::endpoints::{EmbedPath, Endpoint, inference};
use crate::protocol::gemini::Framing;
use crate::protocol::{ChatPath, Dialect};

/// What stands at an account's place in the paths of Esclusa itself.
const RESERVED: [&str; 13] = [
    "audio",
    "chat",
    "conversations",
    "embeddings",
    "feedback",
    "images",
    "knowledge",
    "messages",
    "models",
    "moderations",
    "rerank",
    "responses",
    "run",
];

/// The forms of these paths, for who describes them: `find` is what finds them.
pub(super) const FORMS: [&str; 20] = [
    "/azure-openai/{resource}/{deployment}/chat/completions",
    "/v1/{account}/{gateway}",
    "/v1/{account}/{gateway}/{provider}/audio/speech",
    "/v1/{account}/{gateway}/{provider}/audio/transcriptions",
    "/v1/{account}/{gateway}/{provider}/chat/completions",
    "/v1/{account}/{gateway}/{provider}/embeddings",
    "/v1/{account}/{gateway}/{provider}/images/generations",
    "/v1/{account}/{gateway}/{provider}/messages",
    "/v1/{account}/{gateway}/{provider}/responses",
    "/v1/{account}/{gateway}/workers-ai/{model...}",
    "/v1beta/models/{model}:batchEmbedContents",
    "/v1beta/models/{model}:countTokens",
    "/v1beta/models/{model}:embedContent",
    "/v1beta/models/{model}:generateContent",
    "/v1beta/models/{model}:streamGenerateContent",
    "/workers-ai/{model...}",
    "/{provider}/chat/completions",
    "/{provider}/embeddings",
    "/{provider}/messages",
    "/{provider}/responses",
];

/// What a path says beside the endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gateway<'a> {
    /// The account, where the path names one: an org's id, or an account tag of Cloudflare's.
    pub account: Option<&'a str>,
    /// The provider, where the path names one: the body's model is one of its own.
    pub provider: Option<&'a str>,
}

/// Finds what a path (without its first slash) asks for, where it is one of Cloudflare's, or one of
/// Google's, which are those of its provider.
pub(super) fn find(path: &str) -> Option<Endpoint<'_>> {
    if let Some(method) = models_of_google(path) {
        let model = method.split(':').next().unwrap_or_default();
        let own = model.starts_with("gemini-") || model.starts_with("gemma-");
        let gateway = Gateway {
            account: None,
            provider: own.then_some("google"),
        };
        return google(gateway, method);
    }
    let Some(rest) = path.strip_prefix("v1/") else {
        return under(None, path);
    };
    let (account, rest) = rest.split_once('/')?;
    if RESERVED.contains(&account) {
        return None;
    }
    match rest.split_once('/') {
        Some((_, rest)) => under(Some(account), rest),
        None if rest.is_empty() => None,
        None => Some(Endpoint::Universal(Gateway {
            account: Some(account),
            provider: None,
        })),
    }
}

/// What `{provider}/…` asks for.
fn under<'a>(account: Option<&'a str>, path: &'a str) -> Option<Endpoint<'a>> {
    let (provider, rest) = path.split_once('/')?;
    let gateway = Gateway {
        account,
        provider: (provider != "compat").then_some(provider),
    };
    match provider {
        "workers-ai" if rest.starts_with('@') => {
            Some(chat(Dialect::WorkersAi, gateway, Some(rest)))
        }
        "azure-openai" => azure(gateway, rest),
        "google-ai-studio" if models_of_google(rest).is_some() => {
            google(gateway, models_of_google(rest)?)
        }
        _ => inference(rest.strip_prefix("v1/").unwrap_or(rest), gateway),
    }
}

/// `{resource}/{deployment}/chat/completions`: a deployment is named like its model.
fn azure<'a>(gateway: Gateway<'a>, rest: &'a str) -> Option<Endpoint<'a>> {
    let (_, rest) = rest.split_once('/')?;
    let (deployment, rest) = rest.split_once('/')?;
    let chats = rest == "chat/completions";
    chats.then(|| chat(Dialect::OpenAiChat, gateway, Some(deployment)))
}

/// What stands behind `v1beta/models/`; `v1` is Google's older version of the same.
fn models_of_google(path: &str) -> Option<&str> {
    let versions = ["v1beta/models/", "v1alpha/models/", "v1/models/"];
    let method = versions
        .iter()
        .find_map(|version| path.strip_prefix(version))?;
    method.contains(':').then_some(method)
}

/// `{model}:generateContent` and its sisters.
fn google<'a>(gateway: Gateway<'a>, method: &'a str) -> Option<Endpoint<'a>> {
    let (model, method) = method
        .rsplit_once(':')
        .filter(|(model, _)| !model.is_empty())?;
    let stream = method == "streamGenerateContent";
    let path = ChatPath {
        dialect: Dialect::Gemini(Framing::default()),
        gateway,
        model: Some(model),
        stream: Some(stream),
    };
    match method {
        "generateContent" | "streamGenerateContent" => Some(Endpoint::Chat(path)),
        "countTokens" => Some(Endpoint::CountTokens(path)),
        "embedContent" | "batchEmbedContents" => Some(Endpoint::EmbedContent(EmbedPath {
            gateway,
            model,
            batch: method == "batchEmbedContents",
        })),
        _ => None,
    }
}

const fn chat<'a>(dialect: Dialect, gateway: Gateway<'a>, model: Option<&'a str>) -> Endpoint<'a> {
    Endpoint::Chat(ChatPath {
        dialect,
        gateway,
        model,
        stream: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wire, account, provider and model.
    type Found<'a> = (Dialect, Option<&'a str>, Option<&'a str>, Option<&'a str>);

    fn found(path: &str) -> Option<Found<'_>> {
        match find(path)? {
            Endpoint::Chat(chat) => Some((
                chat.dialect,
                chat.gateway.account,
                chat.gateway.provider,
                chat.model,
            )),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn paths_of_providers_lead_into_their_wires() {
        use Dialect::{OpenAiChat, WorkersAi};
        let cases = [
            (
                "openai/chat/completions",
                (OpenAiChat, None, Some("openai"), None),
            ),
            (
                "groq/v1/chat/completions",
                (OpenAiChat, None, Some("groq"), None),
            ),
            ("compat/chat/completions", (OpenAiChat, None, None, None)),
            (
                "v1/acme/main/openai/chat/completions",
                (OpenAiChat, Some("acme"), Some("openai"), None),
            ),
            (
                "v1/acme/main/compat/chat/completions",
                (OpenAiChat, Some("acme"), None, None),
            ),
            (
                "v1/acme/main/workers-ai/v1/chat/completions",
                (OpenAiChat, Some("acme"), Some("workers-ai"), None),
            ),
            (
                "v1/acme/main/workers-ai/@cf/meta/llama",
                (
                    WorkersAi,
                    Some("acme"),
                    Some("workers-ai"),
                    Some("@cf/meta/llama"),
                ),
            ),
            (
                "azure-openai/res/gpt-4o/chat/completions",
                (OpenAiChat, None, Some("azure-openai"), Some("gpt-4o")),
            ),
        ];
        for (path, expected) in cases {
            assert_eq!(found(path), Some(expected), "{path}");
        }
    }

    #[test]
    fn a_gateway_alone_is_the_universal_endpoint() {
        let gateway = Gateway {
            account: Some("acme"),
            provider: None,
        };
        assert_eq!(find("v1/acme/main"), Some(Endpoint::Universal(gateway)));
    }

    #[test]
    fn other_paths_are_nothing() {
        for path in [
            "",
            "openai",
            "openai/",
            "openai/files",
            "v1/acme",
            "v1/chat/main",
            "v1/acme/main/openai",
            "v1/acme/main/openai/chat",
            "azure-openai/res/chat/completions",
            "workers-ai/meta/llama",
        ] {
            assert_eq!(find(path), None, "{path}");
        }
    }
}
