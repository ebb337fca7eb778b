//! What Google tells of an error beside its message.
//!
//! <https://cloud.google.com/apis/design/errors#error_details>

use super::FailureClass;
use crate::protocol::json::{self, Object};

/// What the `details` of an error say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct GoogleDetails {
    /// What kind of failure it is, where the details know it better than the status.
    pub(super) class: Option<FailureClass>,
    /// Seconds after which a retry may succeed.
    pub(super) retry_after: Option<u64>,
}

impl GoogleDetails {
    /// The details of an error object; empty where it has none.
    pub(super) fn of(error: &Object<'_>) -> Self {
        let details = error.get("details").and_then(json::elements);
        let details = details.unwrap_or_default().into_iter();
        let mut all = Self::default();
        for detail in details.filter_map(Object::of) {
            let delay = detail.get("retryDelay").and_then(json::text);
            all.retry_after = all.retry_after.or_else(|| seconds(&delay?));
            all.class = all.class.or_else(|| class(&detail));
        }
        all
    }
}

fn class(detail: &Object<'_>) -> Option<FailureClass> {
    let reason = detail.get("reason").and_then(json::text);
    if reason.is_some_and(|reason| reason.starts_with("API_KEY")) {
        return Some(FailureClass::Unauthorized);
    }
    let violations = detail.get("violations").and_then(json::elements)?;
    let daily = violations.into_iter().filter_map(Object::of).any(|it| {
        let quota = it.get("quotaId").and_then(json::text);
        quota.is_some_and(|quota| quota.contains("PerDay"))
    });
    daily.then_some(FailureClass::DailyLimit)
}

/// Whole seconds of a duration such as `34.07s`, rounded up.
fn seconds(duration: &str) -> Option<u64> {
    let number = duration.strip_suffix('s')?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = whole.parse().ok()?;
    let more = fraction.bytes().any(|digit| digit != b'0');
    Some(whole.saturating_add(u64::from(more)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::classify;
    use FailureClass as Class;

    #[test]
    fn durations_are_rounded_up() {
        let cases = [
            ("34s", Some(34)),
            ("34.07s", Some(35)),
            ("0.000s", Some(0)),
            ("0.5s", Some(1)),
            ("34", None),
            ("-1s", None),
            ("s", None),
        ];
        for (text, expected) in cases {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn google_tells_when_to_come_back_and_what_was_used_up() {
        let error = |status: &str, details: &str| {
            format!(
                r#"{{"error":{{"code":0,"message":"m","status":"{status}","details":[{details}]}}}}"#
            )
        };
        let retry = r#"{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.07s"}"#;
        let quota = |id: &str| {
            format!(
                r#"{{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{{"quotaId":"{id}"}}]}}"#
            )
        };
        let key =
            r#"{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}"#;
        let minute = format!("{},{retry}", quota("GenerateRequestsPerMinute"));
        let day = format!("{retry},{}", quota("GenerateRequestsPerDayPerProject"));
        let array = format!("[{}\n]\n", error("UNAVAILABLE", ""));
        let long = r#"{"error":{"code":400,"message":"The input token count (9) exceeds the maximum number of tokens allowed (8).","status":"INVALID_ARGUMENT"}}"#;
        let cases = [
            (
                429,
                error("RESOURCE_EXHAUSTED", &minute),
                Class::Capacity,
                Some(35),
            ),
            (
                429,
                error("RESOURCE_EXHAUSTED", &day),
                Class::DailyLimit,
                Some(35),
            ),
            (400, error("INVALID_ARGUMENT", ""), Class::BadRequest, None),
            (
                400,
                error("INVALID_ARGUMENT", key),
                Class::Unauthorized,
                None,
            ),
            (
                400,
                error("FAILED_PRECONDITION", ""),
                Class::Unauthorized,
                None,
            ),
            (
                403,
                error("PERMISSION_DENIED", ""),
                Class::Unauthorized,
                None,
            ),
            (404, error("NOT_FOUND", ""), Class::NotFound, None),
            (500, error("INTERNAL", ""), Class::ServerError, None),
            (503, array, Class::Capacity, None),
            (504, error("DEADLINE_EXCEEDED", ""), Class::Timeout, None),
            (400, long.to_owned(), Class::ContextLength, None),
            (
                429,
                error("RESOURCE_EXHAUSTED", "7,{}"),
                Class::Capacity,
                None,
            ),
        ];
        for (status, body, class, retry_after) in cases {
            let failure = classify(status, None, body.as_bytes());
            assert_eq!(
                (failure.class, failure.retry_after),
                (class, retry_after),
                "{body}"
            );
        }
    }
}
