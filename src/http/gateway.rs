//! The paths of Cloudflare's AI Gateway, so that an application moves here by changing the host:
//! `/v1/{account}/{gateway}/{provider}/…`, the same without account and gateway, and `compat`.
//!
//! <https://developers.cloudflare.com/ai-gateway/usage/providers/>

use super::endpoints::{Endpoint, Work};
use crate::protocol::{ChatPath, Dialect};

/// What a path says beside the endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gateway<'a> {
    /// The account, where the path names one: an org's id, or an account tag of Cloudflare's.
    pub account: Option<&'a str>,
    /// The provider, where the path names one: the body's model is one of its own.
    pub provider: Option<&'a str>,
}

/// Finds what a path (without its first slash) asks for, where it is one of Cloudflare's.
pub(super) fn find(path: &str) -> Option<Endpoint<'_>> {
    let Some(rest) = path.strip_prefix("v1/") else {
        return under(None, path);
    };
    let (account, rest) = rest.split_once('/')?;
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
    match rest.strip_prefix("v1/").unwrap_or(rest) {
        _ if provider == "workers-ai" && rest.starts_with('@') => {
            Some(chat(Dialect::WorkersAi, gateway, Some(rest)))
        }
        "chat/completions" => Some(chat(Dialect::OpenAiChat, gateway, None)),
        "embeddings" => Some(Endpoint::Work(Work::Embeddings, gateway)),
        rest if provider == "azure-openai" => azure(gateway, rest),
        _ => None,
    }
}

/// `{resource}/{deployment}/chat/completions`: a deployment is named like its model.
fn azure<'a>(gateway: Gateway<'a>, rest: &'a str) -> Option<Endpoint<'a>> {
    let (_, rest) = rest.split_once('/')?;
    let (deployment, rest) = rest.split_once('/')?;
    let chats = rest == "chat/completions";
    chats.then(|| chat(Dialect::OpenAiChat, gateway, Some(deployment)))
}

const fn chat<'a>(dialect: Dialect, gateway: Gateway<'a>, model: Option<&'a str>) -> Endpoint<'a> {
    Endpoint::Chat(ChatPath {
        dialect,
        gateway,
        model,
        stream: None,
    })
}
