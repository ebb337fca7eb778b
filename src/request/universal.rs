//! Cloudflare's universal endpoint: several calls in one body, of which the first that is answered
//! counts. Each is a request of its own, with its own limits, record and money.
//!
//! <https://developers.cloudflare.com/ai-gateway/usage/universal/>

use futures::FutureExt;
use futures::future::LocalBoxFuture;

use crate::auth::{self, Scope};
use crate::error::{Error, Kind};
use crate::http::{Gateway, Incoming, JSON_BODY_LIMIT, Method, Place, Reply};
use crate::isolate::Isolate;
use crate::ports::Ports;
use crate::protocol::Dialect;
use crate::protocol::json::{self, Object, Path, Value};
use crate::request::admit::{authenticate, check_account, json_body};
use crate::request::failed;
use crate::request::idempotency::{REPLAYED, digest};
use crate::serve::serve;

/// Calls of one body.
const MAX_STEPS: usize = 10;
/// Headers that a step may have.
const MAX_HEADERS: usize = 32;

/// Makes one call after the other until one is answered.
pub async fn universal(
    ports: &Ports,
    isolate: &Isolate,
    incoming: &dyn Incoming,
    gateway: Gateway<'_>,
    id: &str,
) -> Reply {
    let (whole, steps) = match steps(ports, isolate, incoming, gateway).await {
        Ok(steps) => steps,
        Err(error) => return failed(ports, Dialect::WorkersAi, &error, id),
    };
    let mut last = None;
    for (number, step) in steps.into_iter().enumerate() {
        let call = Step {
            outer: incoming,
            whole: &whole,
            call: step,
        };
        let mut reply = Box::pin(serve(ports, isolate, &call)).await;
        if reply.status < 400 {
            // A repeated answer is of whichever step gave it first.
            if reply.header(REPLAYED).is_none() {
                reply.replace("cf-aig-step", number.to_string());
            }
            return reply;
        }
        last = Some(reply);
    }
    let nothing = || failed(ports, Dialect::WorkersAi, &no_steps(&Path::Root), id);
    last.unwrap_or_else(nothing)
}

/// The digest of the whole, and its calls.
async fn steps(
    ports: &Ports,
    isolate: &Isolate,
    incoming: &dyn Incoming,
    gateway: Gateway<'_>,
) -> Result<(String, Vec<Parsed>), Error> {
    let principal = authenticate(ports, isolate, incoming, Scope::Inference).await?;
    check_account(gateway, &principal)?;
    let body = json_body(incoming).await?;
    Ok((digest(incoming, &body), parse(&body)?))
}

/// One call of the body.
#[derive(Debug, PartialEq, Eq)]
pub struct Parsed {
    path: String,
    headers: Vec<(String, String)>,
    query: Vec<u8>,
}

fn no_steps(path: &Path<'_>) -> Error {
    path.error("must be an array of calls, each with `provider`, `endpoint` and `query`.")
}

/// Reads the calls: an array of them, or a single one.
///
/// # Errors
/// `InvalidRequest`.
pub fn parse(body: &[u8]) -> Result<Vec<Parsed>, Error> {
    let listed = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let wrapped = if listed {
        [b"{\"calls\":".as_slice(), body, b"}".as_slice()].concat()
    } else {
        [b"{\"calls\":[".as_slice(), body, b"]}".as_slice()].concat()
    };
    let calls = Path::Field(&Path::Root, "calls");
    let document = json::document(&wrapped)?;
    let raw = document.get("calls").ok_or_else(|| no_steps(&calls))?;
    let items = Value::new(raw, &calls).array(MAX_STEPS)?;
    if items.is_empty() {
        return Err(no_steps(&calls));
    }
    let step = |(index, raw)| step(Value::new(raw, &Path::Index(&calls, index)));
    items.into_iter().enumerate().map(step).collect()
}

fn step(value: Value<'_, '_>) -> Result<Parsed, Error> {
    let (object, path) = (value.object()?, value.path);
    let text = |name| {
        object.required(path, name, "Name it.", |text| {
            text.filled_string("its name")
        })
    };
    let (provider, endpoint) = (text("provider")?, text("endpoint")?);
    let query = object.required(path, "query", "Send the body of the call.", |query| {
        query
            .check_object()
            .map(|()| query.raw.get().as_bytes().to_vec())
    })?;
    let mut headers = object
        .optional(path, "headers", self::headers)?
        .unwrap_or_default();
    headers.extend(object.optional(path, "config", config)?.unwrap_or_default());
    Ok(Parsed {
        path: format!("/{provider}/{}", endpoint.trim_start_matches('/')),
        headers,
        query,
    })
}

fn headers(value: Value<'_, '_>) -> Result<Vec<(String, String)>, Error> {
    let object = value.object()?;
    let names = object.entries().take(MAX_HEADERS).map(|(name, raw)| {
        let path = Path::Field(value.path, name);
        let text = Value::new(raw, &path).string()?;
        Ok((name.to_ascii_lowercase(), text))
    });
    names.collect()
}

/// What a step says of its attempts, as the headers that say the same.
fn config(value: Value<'_, '_>) -> Result<Vec<(String, String)>, Error> {
    const HEADERS: [(&str, &str); 4] = [
        ("requestTimeout", "cf-aig-request-timeout"),
        ("maxAttempts", "cf-aig-max-attempts"),
        ("retryDelay", "cf-aig-retry-delay"),
        ("backoff", "cf-aig-backoff"),
    ];
    let object: Object<'_> = value.object()?;
    let said = HEADERS.into_iter().filter_map(|(name, header)| {
        let raw = object.get(name)?;
        let text = json::text(raw).unwrap_or_else(|| raw.get().to_owned());
        Some((header.to_owned(), text))
    });
    Ok(said.collect())
}

/// A call of the body, as a request that has arrived.
struct Step<'a> {
    outer: &'a dyn Incoming,
    whole: &'a str,
    call: Parsed,
}

impl Incoming for Step<'_> {
    fn method(&self) -> Method {
        Method::Post
    }

    fn path(&self) -> &str {
        &self.call.path
    }

    fn query(&self) -> &'static str {
        ""
    }

    /// The step's own header, else the request's. Whoever asks is known by the request alone, by our key
    /// in it, wherever that stands: a key in a step is a provider's.
    fn header(&self, name: &str) -> Option<String> {
        match name {
            "content-type" => return Some("application/json".to_owned()),
            "content-length" => return None,
            auth::GATEWAY_KEY => return auth::own_key(self.outer),
            _ => {}
        }
        let own = self.call.headers.iter().find(|(known, _)| known == name);
        let own = own.map(|(_, value)| value.clone());
        own.or_else(|| self.outer.header(name))
    }

    fn headers(&self) -> Vec<(String, String)> {
        let own = |name: &str| self.call.headers.iter().any(|(known, _)| known == name);
        let outer = self.outer.headers().into_iter();
        let outer = outer.filter(|(name, _)| !own(name));
        outer.chain(self.call.headers.iter().cloned()).collect()
    }

    fn place(&self) -> Place {
        self.outer.place()
    }

    fn whole(&self) -> Option<&str> {
        Some(self.whole)
    }

    fn body(&self, limit: usize) -> LocalBoxFuture<'_, Result<Vec<u8>, Error>> {
        debug_assert!(limit <= JSON_BODY_LIMIT, "the whole body was read");
        let query = self.call.query.clone();
        let fits = query.len() <= limit;
        let too_large = || Error::new(Kind::PayloadTooLarge, "This call's `query` is too large.");
        async move { if fits { Ok(query) } else { Err(too_large()) } }.boxed_local()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_become_requests() {
        let body =
            br#"[{"provider":"workers-ai","endpoint":"@cf/a/b","headers":{"CF-AIG-Cache-TTL":"60"},
            "config":{"requestTimeout":1000,"backoff":"linear"},"query":{"prompt":"Hi"}},
            {"provider":"openai","endpoint":"/chat/completions","query":{}}]"#;
        let steps = parse(body).unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            steps[0],
            Parsed {
                path: "/workers-ai/@cf/a/b".to_owned(),
                headers: vec![
                    pair("cf-aig-cache-ttl", "60"),
                    pair("cf-aig-request-timeout", "1000"),
                    pair("cf-aig-backoff", "linear"),
                ],
                query: br#"{"prompt":"Hi"}"#.to_vec(),
            }
        );
        assert_eq!(steps[1].path, "/openai/chat/completions");
        let single = br#" {"provider":"openai","endpoint":"chat/completions","query":{}}"#;
        assert_eq!(parse(single).unwrap().len(), 1);
    }

    #[test]
    fn malformed_steps_are_refused_with_their_path() {
        let eleven = format!("[{}]", ["{}"; 11].join(","));
        let cases = [
            ("[]", "calls"),
            ("[7]", "calls[0]"),
            ("{}", "calls[0].provider"),
            (r#"[{"provider":"openai"}]"#, "calls[0].endpoint"),
            (
                r#"[{"provider":"openai","endpoint":"x"}]"#,
                "calls[0].query",
            ),
            (
                r#"[{"provider":"openai","endpoint":"x","query":[]}]"#,
                "calls[0].query",
            ),
            (
                r#"[{"provider":"openai","endpoint":"x","query":{},"headers":{"a":1}}]"#,
                "calls[0].headers.a",
            ),
            (&eleven, "calls"),
        ];
        for (body, param) in cases {
            let error = parse(body.as_bytes()).unwrap_err();
            assert_eq!(error.param.as_deref(), Some(param), "{body}");
        }
    }
}
