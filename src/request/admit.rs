//! Who asks, may they, and is the body sane. Nothing here costs money.

use crate::auth::{self, PresentedKey, Principal, Rights, Scope};
use crate::config::{self, ProviderSlug};
use crate::error::{Error, Kind};
use crate::governor::command::{Command, Reply};
use crate::http::{Gateway, Incoming, JSON_BODY_LIMIT};
use crate::isolate::Isolate;
use crate::money::Nanos;
use crate::ports::{ApiKey, Ports};
use crate::protocol::json::{Json, Path, Value};
use crate::protocol::{ChatPath, ChatRequest, Dialect, Family, run};
use crate::providers::Key;
use crate::request::conversation;
use crate::request::exchange::Exchange;
use crate::request::header::{given, number, parsed};
use crate::request::notes::note_headers;
use crate::request::reserve::refusal;
use crate::request::retries::Retries;
use crate::request::route::Surroundings;
use crate::routing;
use crate::routing::custom_cost::CustomCost;
use crate::routing::instructions::{Occasion, Variables};
use crate::routing::plan::Wishes;

/// Cloudflare's bounds of a cached answer's life, in seconds: a minute to a month.
const CACHE_SECONDS: std::ops::RangeInclusive<u64> = 60..=2_592_000;
/// Bounds of the time to the first byte that a caller may set, in milliseconds.
const TIMEOUT_MS: std::ops::RangeInclusive<u64> = 1..=300_000;
/// Whether another model may be asked where the first fails.
const FALLBACK: &str = "x-ai-fallback";
/// Values for the variables of the operation's prompt, as a JSON object.
pub const VARIABLES: &str = "x-ai-variables";

/// A request that may be worked on.
pub struct Admitted {
    /// The wire it came by.
    pub dialect: Dialect,
    /// The body as it came, for the cache key.
    pub body: Vec<u8>,
    /// The body, parsed.
    pub request: ChatRequest,
    /// What the headers say about the plan.
    pub wishes: Wishes,
    /// What a route may know of it, where it asks for one.
    pub surroundings: Option<Box<Surroundings>>,
    /// The caller's own cache key, in place of the body.
    pub cache_key: Option<String>,
    /// Milliseconds to the first byte that the caller allows each attempt.
    pub attempt_ms: Option<u64>,
    /// How often each model is asked, where the caller says so.
    pub retries: Option<Retries>,
    /// Whether another model than the first may be asked.
    pub falls_back: bool,
    /// The key that the caller brings.
    pub own_key: Option<OwnKey>,
    /// Headers that may go on to a provider.
    pub passing: Vec<(String, String)>,
}

/// A key that a caller brings: of one provider, and for no other's eyes.
#[derive(Clone)]
pub struct OwnKey {
    /// Whose it is.
    pub provider: ProviderSlug,
    key: Key,
}

impl OwnKey {
    /// The key, where it is of this provider.
    #[must_use]
    pub fn of(&self, provider: &ProviderSlug) -> Option<&Key> {
        (self.provider == *provider).then_some(&self.key)
    }
}

/// Finds out who asks, for work that the org's governor admits: it refuses revoked keys itself.
///
/// # Errors
/// `Unauthenticated`, `Forbidden` where the key lacks the scope, `Unavailable`.
pub async fn authenticate(
    ports: &Ports,
    isolate: &Isolate,
    incoming: &dyn Incoming,
    scope: Scope,
) -> Result<Principal, Error> {
    let presented = PresentedKey::of(incoming)?;
    let key = isolate.key(ports, &presented).await?;
    permit(&key, scope)
}

/// Finds out who asks, for work that no governor admits: the key is looked up anew, and the governor
/// asked what was switched off.
///
/// # Errors
/// As [`authenticate`].
pub async fn authenticate_now(
    ports: &Ports,
    isolate: &Isolate,
    incoming: &dyn Incoming,
    scope: Scope,
) -> Result<Principal, Error> {
    let presented = PresentedKey::of(incoming)?;
    let key = isolate.current_key(ports, &presented).await?;
    let principal = permit(&key, scope)?;
    check_on(ports, &principal).await?;
    Ok(principal)
}

/// Checks that nothing was switched off that the caller needs for what no governor admits.
async fn check_on(ports: &Ports, principal: &Principal) -> Result<(), Error> {
    let key = principal.key.clone();
    match ports
        .governors
        .execute(&principal.org, Command::Check { key })
        .await?
    {
        Reply::Done { .. } => Ok(()),
        Reply::Refused { reason, .. } => Err(refusal(&reason, Nanos::ZERO)),
        reply => Err(Error::internal(format!("a check was answered {reply:?}"))),
    }
}

fn permit(key: &ApiKey, scope: Scope) -> Result<Principal, Error> {
    if key.scopes.iter().any(|name| name == scope.as_str()) {
        let may = |scope: Scope| key.scopes.iter().any(|name| name == scope.as_str());
        return Ok(Principal {
            org: key.org.clone(),
            key: key.id.clone(),
            rights: Rights {
                bring_keys: may(Scope::Byok),
                set_costs: may(Scope::CustomCost),
            },
        });
    }
    let message = format!("This API key lacks the scope `{}`.", scope.as_str());
    Err(Error::new(Kind::Forbidden, message))
}

/// Reads and checks a chat request of a known caller.
///
/// # Errors
/// `InvalidRequest`, `PayloadTooLarge`, `UnsupportedMediaType`.
pub async fn admit(
    exchange: &mut Exchange,
    incoming: &dyn Incoming,
    path: &ChatPath<'_>,
) -> Result<Admitted, Error> {
    note_headers(exchange, incoming)?;
    let body = json_body(incoming).await?;
    let mut request = path.dialect.parse(&body, path)?;
    request.model = qualified(path.gateway, path.model.unwrap_or(&request.model))?;
    exchange.draft.requested_model = request.model.chars().take(200).collect();
    exchange.draft.stream = request.stream;
    let continued = conversation::resolve(exchange, &mut request).await?;
    let wishes = Wishes {
        verdict: None,
        operation: incoming.header("x-ai-operation"),
        ungrounded: incoming
            .header("x-ai-rag")
            .is_some_and(|value| value == "off"),
        skip_cache: incoming
            .header("cf-aig-skip-cache")
            .is_some_and(|value| value == "true")
            // The body, by which answers are cached, is not the whole conversation.
            || continued,
        cache_seconds: number(incoming, "cf-aig-cache-ttl", CACHE_SECONDS)?,
        custom_cost: custom_cost(exchange, incoming)?,
        route: None,
        way: None,
        variables: variables(&request, incoming.header(VARIABLES).as_deref())?,
        occasion: Occasion::default(),
    };
    let cache_key = incoming.header("cf-aig-cache-key");
    let attempt_ms = attempt_ms(incoming)?;
    Ok(Admitted {
        dialect: path.dialect,
        body,
        surroundings: Surroundings::of(&exchange.ports, incoming, &request.model)?,
        request,
        wishes,
        cache_key,
        attempt_ms,
        retries: Retries::of(incoming)?,
        falls_back: falls_back(incoming)?,
        own_key: own_key(exchange, incoming, path.gateway)?,
        passing: passing(incoming, path.dialect),
    })
}

/// Values for the variables of the operation's prompt: those of the body, else of the header
/// [`VARIABLES`].
///
/// # Errors
/// `InvalidRequest` where the header has none.
pub fn variables(request: &ChatRequest, header: Option<&str>) -> Result<Variables, Error> {
    let read = |text: &str| {
        let path = Path::Root;
        let raw: Json = Json::parse(text)?;
        run::variables(Value::new(raw.raw(), &path)).ok()
    };
    let expected = || "a JSON object of texts, numbers and booleans".to_owned();
    let in_header = given(header, VARIABLES, read, expected)?;
    let of_body = request.variables.clone();
    Ok(of_body.or(in_header).unwrap_or_default())
}

/// What the caller says that the answer costs.
///
/// # Errors
/// `Forbidden` for a key that may not, `InvalidRequest`.
pub fn custom_cost(
    exchange: &mut Exchange,
    incoming: &dyn Incoming,
) -> Result<Option<CustomCost>, Error> {
    const HEADER: &str = "cf-aig-custom-cost";
    let expected = || {
        "`{\"total_cost\": USD}`, or USD per token as `per_token_in`, `per_token_out`, `per_cache_read_token` and `per_cache_write_token`".to_owned()
    };
    let custom = parsed(incoming, HEADER, CustomCost::parse, expected)?;
    if custom.is_some() {
        if !exchange.rights.set_costs {
            let message =
                format!("The header `{HEADER}` takes a key with the scope `custom-cost`.");
            return Err(Error::new(Kind::Forbidden, message));
        }
        exchange.draft.policy.push("custom cost".to_owned());
    }
    Ok(custom)
}

/// The key that a caller brings for the provider in the path, where the caller's own key may.
fn own_key(
    exchange: &Exchange,
    incoming: &dyn Incoming,
    gateway: Gateway<'_>,
) -> Result<Option<OwnKey>, Error> {
    let Some(name) = gateway.provider.filter(|_| exchange.rights.bring_keys) else {
        return Ok(None);
    };
    let key = auth::foreign_key(incoming).and_then(|key| Key::parse(&key));
    let provider = config::catalogue()?.resolve_provider(name);
    let own = key.zip(provider).map(|(key, provider)| OwnKey {
        provider: provider.slug.clone(),
        key,
    });
    Ok(own)
}

/// Headers that mean something to providers of the dialect's family.
fn passing(incoming: &dyn Incoming, dialect: Dialect) -> Vec<(String, String)> {
    const BETA: &str = "anthropic-beta";
    let wanted = dialect.family() == Family::Anthropic;
    let value = wanted.then(|| incoming.header(BETA)).flatten();
    value
        .map(|value| (BETA.to_owned(), value))
        .into_iter()
        .collect()
}

/// The model that a body means by `model` under a path of a provider: one of that provider, unless
/// the name says otherwise itself (`@cf/…`, `auto`).
///
/// # Errors
/// `NotFound` for a provider that is not known here.
pub fn qualified(gateway: Gateway<'_>, model: &str) -> Result<String, Error> {
    let Some(name) = gateway.provider else {
        return Ok(model.to_owned());
    };
    let catalogue = config::catalogue()?;
    let Some(provider) = catalogue.resolve_provider(name) else {
        let shown: String = name.chars().take(64).collect();
        let message = format!("There is no provider `{shown}` here.");
        return Err(Error::new(Kind::NotFound, message));
    };
    let prefix = provider.id_prefix();
    let listed = catalogue.resolve(model);
    let is_own = listed.is_some_and(|listed| listed.provider == provider.slug);
    let says_otherwise = model.starts_with("@cf/") || model.starts_with(&prefix) || is_own;
    Ok(if says_otherwise || routing::wanted::leaves_choice(model) {
        model.to_owned()
    } else {
        format!("{prefix}{model}")
    })
}

/// Checks that the account in a path is the caller's org, or could be the tag of its account.
///
/// # Errors
/// `NotFound`.
pub fn check_account(gateway: Gateway<'_>, principal: &Principal) -> Result<(), Error> {
    let is_tag =
        |account: &str| account.len() == 32 && account.bytes().all(|byte| byte.is_ascii_hexdigit());
    match gateway.account {
        Some(account) if account != principal.org && !is_tag(account) => {
            let message = "The account in the path is not this key's. Put the org's id there.";
            Err(Error::new(Kind::NotFound, message))
        }
        _ => Ok(()),
    }
}

/// Milliseconds to the first byte that the caller allows each attempt.
///
/// # Errors
/// `InvalidRequest`.
pub fn attempt_ms(incoming: &dyn Incoming) -> Result<Option<u64>, Error> {
    number(incoming, "cf-aig-request-timeout", TIMEOUT_MS)
}

/// Whether another model than the first may be asked, as the caller says.
///
/// # Errors
/// `InvalidRequest`.
pub fn falls_back(incoming: &dyn Incoming) -> Result<bool, Error> {
    let read = |text: &str| match text {
        "off" => Some(false),
        "on" => Some(true),
        _ => None,
    };
    let said = parsed(incoming, FALLBACK, read, || "`on` or `off`".to_owned())?;
    Ok(said.unwrap_or(true))
}

/// Reads the body of a path that takes JSON.
///
/// # Errors
/// `UnsupportedMediaType` for anything that says it is not JSON, `PayloadTooLarge`.
pub async fn json_body(incoming: &dyn Incoming) -> Result<Vec<u8>, Error> {
    let content_type = incoming.header("content-type").unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        let message = "Send the body as JSON, with `Content-Type: application/json`.";
        return Err(Error::new(Kind::UnsupportedMediaType, message));
    }
    incoming.body(JSON_BODY_LIMIT).await
}
