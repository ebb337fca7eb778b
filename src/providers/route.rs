//! How a provider is reached in this deployment: over HTTPS where its key is configured, else over
//! the AI binding where that reaches it.

use std::fmt;

use http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::deployment::Deployment;
use super::encode::{Prompt, THIRD_PARTY, WORKERS_AI};
use super::openai_responses;
use super::work::Work;
use crate::config::providers::{Direct, KeyHeader};
use crate::config::{Model, Provider, Quirks, Wire};
use crate::error::{Error, Kind};
use crate::ports::{BindingCall, Body, HttpCall, ModelCall, Secrets};

/// What stands for itself in a segment of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A way to a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    way: Way,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    Binding,
    Direct { base_url: String, key: Option<Key> },
}

/// A provider's key. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// A key that a header can carry, without blanks around it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let sound = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        sound.then(|| Self(text.to_owned()))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key")
    }
}

/// Why a provider's models cannot be used in this deployment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unconfigured {
    /// The variable holds no address that may be called.
    #[error(
        "The variable {variable} is not an https address without user, query and fragment. The administrator must correct it."
    )]
    BaseUrl {
        /// The variable's name.
        variable: String,
    },
    /// The secret holds what no header can carry.
    #[error("The secret {secret} is malformed. The administrator must set it again.")]
    MalformedKey {
        /// The secret's name.
        secret: String,
    },
    /// There is no key, and nothing else reaches the provider.
    #[error(
        "{provider} is not configured here. The administrator must set the secret {secret} to use its models."
    )]
    NoKey {
        /// The provider's name for people.
        provider: String,
        /// The secret's name.
        secret: String,
    },
    /// There is no address.
    #[error(
        "{provider} is not configured here. The administrator must set the variable {variable} to use its models."
    )]
    NoBaseUrl {
        /// The provider's name for people.
        provider: String,
        /// The variable's name.
        variable: String,
    },
}

impl From<Unconfigured> for Error {
    fn from(missing: Unconfigured) -> Self {
        Self {
            param: Some("model".to_owned()),
            ..Self::new(Kind::ModelNotFound, missing.to_string())
        }
    }
}

impl Route {
    /// The way to a provider with the deployment's keys.
    ///
    /// # Errors
    /// What the administrator must set.
    pub fn find(provider: &Provider, secrets: &dyn Secrets) -> Result<Self, Unconfigured> {
        let secret = provider.key_variable();
        let key = match secrets.value(&secret) {
            Some(text) => {
                let key = Key::parse(&text).ok_or(Unconfigured::MalformedKey { secret })?;
                Some(key)
            }
            None => None,
        };
        Self::with(provider, key, secrets)
    }

    /// The way to a provider with a caller's own key.
    ///
    /// # Errors
    /// What the administrator must set.
    pub fn with_key(
        provider: &Provider,
        key: Key,
        secrets: &dyn Secrets,
    ) -> Result<Self, Unconfigured> {
        Self::with(provider, Some(key), secrets)
    }

    fn with(
        provider: &Provider,
        key: Option<Key>,
        secrets: &dyn Secrets,
    ) -> Result<Self, Unconfigured> {
        match &provider.direct {
            Some(direct) if key.is_some() || !direct.key_required => {
                let base_url = base_url(provider, direct, secrets)?;
                let way = Way::Direct { base_url, key };
                Ok(Self { way })
            }
            _ if provider.binding.is_some() => Ok(Self { way: Way::Binding }),
            _ => Err(Unconfigured::NoKey {
                provider: provider.name.clone(),
                secret: provider.key_variable(),
            }),
        }
    }

    /// Whether it leads over HTTPS rather than over the AI binding.
    #[must_use]
    pub const fn is_direct(&self) -> bool {
        matches!(self.way, Way::Direct { .. })
    }

    /// The wire that a chat model speaks on this way, to this request with this bound of output.
    #[must_use]
    pub fn wire(
        &self,
        provider: &Provider,
        model: &Model,
        prompt: Prompt<'_>,
        max_tokens: u32,
    ) -> Option<Wire> {
        let over_binding = match self.way {
            Way::Binding => provider.binding.and_then(|binding| binding.wire),
            Way::Direct { .. } => None,
        };
        let usual = over_binding.or(model.wire);
        let responds = usual == Some(Wire::OpenAiChat)
            && provider.responses.is_some()
            && openai_responses::suits(prompt, max_tokens, &self.deployment(provider));
        if responds {
            return Some(Wire::OpenAiResponses);
        }
        usual
    }

    /// Who is asked on this way.
    #[must_use]
    pub fn deployment(&self, provider: &Provider) -> Deployment {
        let (base_url, key) = match &self.way {
            Way::Binding => ("", ""),
            Way::Direct { base_url, key } => (
                base_url.as_str(),
                key.as_ref().map_or("", |key| key.0.as_str()),
            ),
        };
        Deployment::new(provider.slug.as_str(), base_url, key)
    }

    /// What a chat model takes on this way; `id` as in [`crate::config::Named`].
    #[must_use]
    pub fn quirks(&self, provider: &Provider, id: &str) -> Quirks {
        provider.quirks(provider.native_name(id))
    }

    /// The provider's own name of the model, for wires whose body names it and for those that differ by
    /// it; none over the binding, which names it itself.
    #[must_use]
    pub fn native_model<'a>(&self, provider: &Provider, id: &'a str) -> Option<&'a str> {
        self.is_direct().then(|| provider.native_name(id))
    }

    /// The call of a model: `body` is JSON text, or a form for sounds. `headers` are the caller's, of
    /// which only those pass that the provider's row lists. `None` where the provider does not offer
    /// such work.
    #[must_use]
    pub fn call(
        &self,
        provider: &Provider,
        id: &str,
        work: Work,
        body: Body,
        headers: &[(String, String)],
    ) -> Option<ModelCall> {
        if let (Way::Direct { base_url, key }, Some(direct)) = (&self.way, &provider.direct) {
            let name = provider.native_name(id);
            let wire = provider.wire.unwrap_or(Wire::OpenAiChat);
            let responses = provider.responses.as_ref();
            let apart = responses.filter(|_| work == Work::Respond);
            let place = match apart.and_then(|responses| responses.prefix.as_deref()) {
                Some(prefix) => Place {
                    prefix,
                    query: None,
                },
                None => Place {
                    prefix: &direct.prefix,
                    query: direct.query.as_deref(),
                },
            };
            let path = work.path(wire, &segment(name))?;
            let url = place.url(base_url, &path, name);
            let call = http_call(direct, url, key.as_ref(), body, headers);
            return Some(ModelCall::Http(call));
        }
        let third_party = provider.wire.is_some();
        let options = if third_party { THIRD_PARTY } else { WORKERS_AI };
        Some(ModelCall::Binding(BindingCall {
            model: id.to_owned(),
            input: String::from_utf8(body.bytes).ok()?,
            options: options.to_owned(),
        }))
    }
}

/// The address that the variable says, else that of the row.
fn base_url(
    provider: &Provider,
    direct: &Direct,
    secrets: &dyn Secrets,
) -> Result<String, Unconfigured> {
    let variable = provider.base_url_variable();
    let Some(text) = secrets.value(&variable) else {
        return direct.base_url.clone().ok_or(Unconfigured::NoBaseUrl {
            provider: provider.name.clone(),
            variable,
        });
    };
    let text = text.trim().trim_end_matches('/');
    if may_be_called(text, provider.free) {
        Ok(text.to_owned())
    } else {
        Err(Unconfigured::BaseUrl { variable })
    }
}

/// Keys and prompts travel encrypted, unless they stay on one's own machine or network.
fn may_be_called(text: &str, free: bool) -> bool {
    let Ok(uri) = text.parse::<Uri>() else {
        return false;
    };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return false;
    };
    let own_machine = matches!(uri.host(), Some("127.0.0.1" | "[::1]" | "localhost"));
    let secure = match scheme {
        "https" => true,
        "http" => free || own_machine,
        _ => false,
    };
    let plain = !authority.as_str().contains('@') && !text.contains(['?', '#']);
    secure && plain
}

/// Where paths of a provider begin below its address, and what their queries end with.
struct Place<'a> {
    prefix: &'a str,
    query: Option<&'a str>,
}

impl Place<'_> {
    fn url(&self, base_url: &str, path: &str, name: &str) -> String {
        let prefix = self.prefix.replace("{model}", &segment(name));
        let (path, own) = path.split_once('?').unwrap_or((path, ""));
        let common = self.query.unwrap_or_default();
        let queries: Vec<&str> = [own, common]
            .into_iter()
            .filter(|query| !query.is_empty())
            .collect();
        let mark = if queries.is_empty() { "" } else { "?" };
        format!("{base_url}{prefix}{path}{mark}{}", queries.join("&"))
    }
}

fn segment(name: &str) -> String {
    utf8_percent_encode(name, SEGMENT).to_string()
}

fn http_call(
    direct: &Direct,
    url: String,
    key: Option<&Key>,
    body: Body,
    callers: &[(String, String)],
) -> HttpCall {
    let mut headers: Vec<(String, String)> = direct.headers.clone().into_iter().collect();
    headers.extend(key.map(|key| key_header(direct, key)));
    headers.extend(callers.iter().filter_map(|header| passing(direct, header)));
    HttpCall {
        url,
        headers,
        body: Some(body),
        secret: key.map(|key| key.0.clone()),
    }
}

fn key_header(direct: &Direct, key: &Key) -> (String, String) {
    match &direct.key {
        KeyHeader::Bearer => ("authorization".to_owned(), format!("Bearer {}", key.0)),
        KeyHeader::Header(name) => (name.clone(), key.0.clone()),
    }
}

/// What of a caller's header may go to the provider: the values of a list that its row names.
fn passing(direct: &Direct, (name, value): &(String, String)) -> Option<(String, String)> {
    let name = name.to_ascii_lowercase();
    let allowed = direct.pass.get(&name)?;
    let values = value.split(',').map(str::trim);
    let kept: Vec<&str> = values
        .filter(|value| allowed.iter().any(|known| known == value))
        .collect();
    (!kept.is_empty()).then(|| (name, kept.join(",")))
}
