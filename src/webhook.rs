//! Alerts as webhooks, signed as <https://www.standardwebhooks.com> specifies, so that receivers can
//! verify them with a library.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat};
use hmac::{Hmac, Mac};
use serde::Serialize;
use sha2::Sha256;

use crate::error::Error;
use crate::governor::Alert;
use crate::ports::{Body, HttpCall};

/// The secret that signs webhooks.
pub const SECRET: &str = "ESCLUSA_WEBHOOK_SECRET";

/// What is sent.
#[derive(Serialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Data<'a> {
    Configuration { org: &'a str, version: u64 },
    Threshold(Reached<'a>),
}

#[derive(Serialize)]
struct Reached<'a> {
    org: &'a str,
    budget: &'a str,
    per: String,
    subject: &'a str,
    period: &'a str,
    threshold_percent: u8,
    spent_usd: String,
    limit_usd: String,
}

/// The call that tells `url` of an alert. `now` is in Unix milliseconds.
///
/// # Errors
/// [`Kind::Internal`](crate::error::Kind::Internal) where the secret is no key.
pub fn call(
    url: &str,
    secret: &str,
    org: &str,
    alert: &Alert,
    now: u64,
) -> Result<HttpCall, Error> {
    let (kind, data) = match alert.config {
        Some(version) => (
            "configuration.unreadable",
            Data::Configuration { org, version },
        ),
        None => ("budget.threshold", Data::Threshold(reached(org, alert))),
    };
    let event = Event {
        kind,
        timestamp: instant(alert.at),
        data,
    };
    let body = serde_json::to_string(&event).map_err(|it| Error::internal(it.to_string()))?;
    let id = format!("alert_{org}_{}", alert.id);
    let seconds = now / 1_000;
    let signature = sign(secret, &id, seconds, body.as_bytes())?;
    Ok(HttpCall {
        url: url.to_owned(),
        headers: vec![
            ("webhook-id".to_owned(), id),
            ("webhook-timestamp".to_owned(), seconds.to_string()),
            ("webhook-signature".to_owned(), signature),
        ],
        body: Some(Body::json(body)),
        secret: None,
    })
}

fn reached<'a>(org: &'a str, alert: &'a Alert) -> Reached<'a> {
    Reached {
        org,
        budget: &alert.budget,
        per: alert.per.to_string(),
        subject: &alert.subject,
        period: &alert.period,
        threshold_percent: alert.threshold,
        spent_usd: alert.spent.to_usd(),
        limit_usd: alert.limit.to_usd(),
    }
}

/// An instant as RFC 3339 writes it.
fn instant(milliseconds: u64) -> String {
    let time = i64::try_from(milliseconds)
        .ok()
        .and_then(DateTime::from_timestamp_millis)
        .unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// `v1,` and the base64 of HMAC-SHA-256 over `{id}.{seconds}.{body}`. A secret is `whsec_` and the
/// key in base64, or any other text as it stands.
fn sign(secret: &str, id: &str, seconds: u64, body: &[u8]) -> Result<String, Error> {
    let key = secret
        .strip_prefix("whsec_")
        .and_then(|text| STANDARD.decode(text).ok())
        .unwrap_or_else(|| secret.as_bytes().to_vec());
    let mut mac = Hmac::<Sha256>::new_from_slice(&key)
        .map_err(|error| Error::internal(format!("{SECRET}: {error}")))?;
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body);
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    Ok(format!("v1,{signature}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Nanos;

    /// The example of the specification's reference implementations.
    #[test]
    fn it_signs_as_the_specification_does() {
        let signature = sign(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(
            signature.unwrap(),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn an_alert_says_whose_money_it_is() {
        let alert = Alert {
            id: 7,
            at: 1_700_000_000_123,
            budget: "month-per-user".to_owned(),
            per: "user".parse().unwrap(),
            subject: "ann".to_owned(),
            period: "month".to_owned(),
            threshold: 80,
            spent: Nanos::new(1_200_000_000),
            limit: Nanos::new(1_500_000_000),
            config: None,
        };
        let call = call("https://example.com/hook", "secret", "acme", &alert, 0).unwrap();
        assert_eq!(call.headers[0].1, "alert_acme_7");
        let body = String::from_utf8(call.body.unwrap().bytes).unwrap();
        assert_eq!(
            body,
            r#"{"type":"budget.threshold","timestamp":"2023-11-14T22:13:20.123Z","data":{"org":"acme","budget":"month-per-user","per":"user","subject":"ann","period":"month","threshold_percent":80,"spent_usd":"1.2","limit_usd":"1.5"}}"#
        );
    }

    #[test]
    fn an_alert_names_a_configuration_that_cannot_be_read() {
        let alert = Alert {
            id: 8,
            at: 1_700_000_000_123,
            budget: String::new(),
            per: "org".parse().unwrap(),
            subject: String::new(),
            period: String::new(),
            threshold: 0,
            spent: Nanos::ZERO,
            limit: Nanos::ZERO,
            config: Some(5),
        };
        let call = call("https://example.com/hook", "secret", "acme", &alert, 0).unwrap();
        let body = String::from_utf8(call.body.unwrap().bytes).unwrap();
        assert_eq!(
            body,
            r#"{"type":"configuration.unreadable","timestamp":"2023-11-14T22:13:20.123Z","data":{"org":"acme","version":5}}"#
        );
    }
}
