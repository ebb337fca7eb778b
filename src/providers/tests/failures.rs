use crate::providers::{FailureClass, classify};

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn failures_are_classified() {
    use FailureClass::{
        BadRequest, Capacity, ContentPolicy, ContextLength, DailyLimit, NotFound, ServerError,
        Timeout, Unauthorized,
    };
    let cases = [
        (
            429,
            r#"{"errors":[{"code":3040,"message":"Capacity temporarily exceeded"}],"success":false}"#,
            Capacity,
            Some(3040),
        ),
        (
            429,
            r#"{"success":false,"result":[],"messages":[],"error":[{"code":3036,"message":"you have used up your daily free allocation"}]}"#,
            DailyLimit,
            Some(3036),
        ),
        (
            429,
            "3040: Capacity temporarily exceeded, please try again.",
            Capacity,
            Some(3040),
        ),
        (
            429,
            r#"{"internalCode":3036,"error":"3036: used up"}"#,
            DailyLimit,
            Some(3036),
        ),
        (
            400,
            r#"{"errors":[{"code":"5004","message":"invalid data"}]}"#,
            BadRequest,
            Some(5004),
        ),
        (
            400,
            "AiError: 5007: No such model @cf/x or task",
            NotFound,
            Some(5007),
        ),
        (
            400,
            r#"{"error":[{"code":7003,"message":"model not found"}]}"#,
            NotFound,
            Some(7003),
        ),
        (
            403,
            r#"{"errors":[{"code":5035,"message":"requires the paid plan"}]}"#,
            Unauthorized,
            Some(5035),
        ),
        (
            408,
            r#"{"errors":[{"code":3007,"message":"timeout"}]}"#,
            Timeout,
            Some(3007),
        ),
        (
            413,
            r#"{"errors":[{"code":3006,"message":"too large"}]}"#,
            ContextLength,
            Some(3006),
        ),
        (
            400,
            "5021: The estimated number of input tokens exceeded this model context window limit",
            ContextLength,
            Some(5021),
        ),
        (
            400,
            r#"{"error":{"message":"This model's maximum context length is 8192 tokens","type":"invalid_request_error","code":"context_length_exceeded"}}"#,
            ContextLength,
            None,
        ),
        (
            429,
            r#"{"error":{"message":"You exceeded your quota","type":"insufficient_quota","code":"insufficient_quota"}}"#,
            DailyLimit,
            None,
        ),
        (
            429,
            r#"{"error":{"message":"slow down","type":"tokens","code":"rate_limit_exceeded"}}"#,
            Capacity,
            None,
        ),
        (
            400,
            r#"{"error":{"message":"flagged","code":"content_policy_violation"}}"#,
            ContentPolicy,
            None,
        ),
        (
            403,
            r#"{"error":{"code":403,"message":"Your chosen model requires moderation","metadata":{"reasons":["violence"],"flagged_input":"How to","provider_name":"OpenAI"}}}"#,
            ContentPolicy,
            Some(403),
        ),
        (
            400,
            r#"{"error":{"message":"Invalid prompt: your prompt was flagged as potentially violating our usage policy.","type":"invalid_request_error","code":"invalid_prompt"}}"#,
            ContentPolicy,
            None,
        ),
        (
            400,
            r#"{"error":{"message":"Your request was rejected by the safety system.","code":"moderation_blocked"}}"#,
            ContentPolicy,
            None,
        ),
        (
            424,
            r#"{"success":false,"error":[{"code":2016,"message":"prompt blocked"}]}"#,
            ContentPolicy,
            Some(2016),
        ),
        (
            404,
            r#"{"error":{"message":"no such model","code":"model_not_found"}}"#,
            NotFound,
            None,
        ),
        (
            401,
            r#"{"error":{"message":"bad key","code":"invalid_api_key"}}"#,
            Unauthorized,
            None,
        ),
        (
            401,
            r#"{"success":false,"error":[{"code":2009,"message":"bad credential"}]}"#,
            Unauthorized,
            Some(2009),
        ),
        (
            400,
            r#"{"error":{"message":"Unsupported parameter","type":"invalid_request_error","code":null}}"#,
            BadRequest,
            None,
        ),
        (502, "<html>Bad gateway</html>", ServerError, None),
        (500, "", ServerError, None),
        (504, "upstream", Timeout, None),
        (529, "", Capacity, None),
        (302, "", ServerError, None),
    ];
    for (status, body, class, code) in cases {
        let failure = classify(status, Some(3), body.as_bytes());
        assert_eq!(
            (failure.class, failure.code),
            (class, code),
            "{status} {body}"
        );
        assert_eq!(
            (failure.status, failure.retry_after),
            (Some(status), Some(3))
        );
    }
}

#[test]
fn details_are_short_and_hold_no_keys() {
    let body = format!(
        r#"{{"error":{{"message":"Incorrect API key provided: sk-proj-abcdef0123456789. Or\nesk_acme_1_2_3, or 'Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5'. On @cf/meta/llama-3.3-70b-instruct-fp8-fast. {}"}}}}"#,
        "x ".repeat(400)
    );
    let message = classify(401, None, body.as_bytes()).message;
    assert!(message.starts_with("Incorrect API key provided: [redacted] Or [redacted] or [redacted] On @cf/meta/llama-3.3-70b-instruct-fp8-fast."), "{message}");
    assert_eq!(message.chars().count(), 300);
}
