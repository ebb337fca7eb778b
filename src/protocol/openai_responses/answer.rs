//! A response: the object that whole answers are and that streams begin and end with.

use serde::Serialize;
use serde_json::value::RawValue;

use super::id;
use super::item::{Item, Status};
use super::output::Output;
use super::record::{Record, identified};
use super::step::Steps;
use super::thread::Thread;
use crate::error::{Error, Kind};
use crate::protocol::assembly::replay;
use crate::protocol::json::Object;
use crate::protocol::writer::Head;
use crate::protocol::{Answer, Bill, FinishReason, Json, Source};

/// The body of a whole answer.
///
/// Two fields are Esclusa's own: `usage.cost_usd`, decimal text, and `sources`, present only where
/// the answer is grounded.
#[must_use]
pub fn render(thread: &Thread, answer: &Answer, head: &Head, bill: Bill<'_>) -> Vec<u8> {
    let output = output(answer, head, thread.encrypted);
    let body = Response::ended(thread, head, &output, bill);
    serde_json::to_vec(&body).unwrap_or_default()
}

/// What is stored of a response: what its client was told, and the whole conversation, in which the
/// signatures of reasoning stay although the client was not shown them.
#[must_use]
pub fn record(thread: &Thread, answer: &Answer, head: &Head, bill: Bill<'_>) -> Record {
    let shown = output(answer, head, thread.encrypted);
    let whole = output(answer, head, true);
    let own = thread.items.iter().enumerate();
    let mut items: Vec<Json> = own
        .map(|(index, item)| identified(item, &head.request, index))
        .collect();
    let end = items.len();
    items.extend(whole.items.iter().map(Json::of));
    Record {
        response: Json::of(&Response::ended(thread, head, &shown, bill)),
        items,
        input: (thread.earlier, end),
    }
}

/// The items of a whole answer.
fn output(answer: &Answer, head: &Head, encrypted: bool) -> Output {
    let mut output = Output::new(&head.request, encrypted, Steps::default());
    for event in replay(answer) {
        output.push(&event);
    }
    output.end(output_status(&output));
    output
}

/// Where the end of an answer leaves its last item, and the response.
pub(super) fn output_status(output: &Output) -> Status {
    match Incomplete::of(output) {
        Some(_) => Status::Incomplete,
        None => Status::Completed,
    }
}

/// A response, in the order of fields that `OpenAI` has.
#[derive(Serialize)]
pub(super) struct Response<'a> {
    id: String,
    object: &'static str,
    created_at: u64,
    pub(super) status: Status,
    background: bool,
    error: Option<Failure<'a>>,
    incomplete_details: Option<Incomplete>,
    instructions: Option<&'a RawValue>,
    max_output_tokens: Option<&'a RawValue>,
    max_tool_calls: Option<&'a RawValue>,
    model: &'a str,
    output: &'a [Item],
    parallel_tool_calls: Json,
    previous_response_id: Option<&'a str>,
    prompt_cache_key: Option<&'a RawValue>,
    reasoning: Reasoning<'a>,
    safety_identifier: Option<&'a RawValue>,
    service_tier: Json,
    store: bool,
    temperature: Option<&'a RawValue>,
    text: TextBody<'a>,
    tool_choice: Json,
    tools: Json,
    top_logprobs: Json,
    top_p: Option<&'a RawValue>,
    truncation: &'static str,
    usage: Option<UsageBody>,
    user: Option<&'a RawValue>,
    metadata: Json,
    #[serde(skip_serializing_if = "<[Source]>::is_empty")]
    sources: &'a [Source],
}

#[derive(Serialize)]
struct Failure<'a> {
    code: &'static str,
    message: &'a str,
}

/// Why an answer is not whole.
#[derive(Serialize)]
pub(super) struct Incomplete {
    reason: &'static str,
}

#[derive(Serialize)]
struct Reasoning<'a> {
    effort: Option<&'a RawValue>,
    summary: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct TextBody<'a> {
    format: Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    verbosity: Option<&'a RawValue>,
}

/// What the caller is told of tokens and money. `cost_usd` is decimal text, as money always is.
#[derive(Serialize)]
struct UsageBody {
    input_tokens: u64,
    input_tokens_details: InputTokens,
    output_tokens: u64,
    output_tokens_details: OutputTokens,
    total_tokens: u64,
    cost_usd: String,
}

#[derive(Serialize)]
struct InputTokens {
    cached_tokens: u64,
    cache_write_tokens: u64,
}

#[derive(Serialize)]
struct OutputTokens {
    reasoning_tokens: u64,
}

impl<'a> Response<'a> {
    /// A response that is under way.
    pub(super) fn begun(thread: &'a Thread, head: &'a Head, output: &'a Output) -> Self {
        let echo = |name: &str| thread.echo.get(name);
        let or = |name: &str, usual: &str| {
            let usual = || Json::parse(usual).unwrap_or_else(|| Json::of(&()));
            echo(name).map_or_else(usual, Json::from)
        };
        let object = |name| echo(name).and_then(Object::of).unwrap_or_default();
        let (reasoning, text) = (object("reasoning"), object("text"));
        let plain = || Json::of(&Kinded { kind: "text" });
        let tier = output.service_tier.as_deref().map(Json::of);
        Self {
            id: id(&head.request),
            object: "response",
            created_at: head.created,
            status: Status::InProgress,
            background: false,
            error: None,
            incomplete_details: None,
            instructions: echo("instructions"),
            max_output_tokens: echo("max_output_tokens"),
            max_tool_calls: echo("max_tool_calls"),
            model: &head.model,
            output: &output.items,
            parallel_tool_calls: or("parallel_tool_calls", "true"),
            previous_response_id: thread.previous.as_deref(),
            prompt_cache_key: echo("prompt_cache_key"),
            reasoning: Reasoning {
                effort: reasoning.get("effort"),
                summary: reasoning.get("summary"),
            },
            safety_identifier: echo("safety_identifier"),
            service_tier: tier.unwrap_or_else(|| or("service_tier", "\"default\"")),
            store: thread.store,
            temperature: echo("temperature"),
            text: TextBody {
                format: text.get("format").map_or_else(plain, Json::from),
                verbosity: text.get("verbosity"),
            },
            tool_choice: or("tool_choice", "\"auto\""),
            tools: or("tools", "[]"),
            top_logprobs: or("top_logprobs", "0"),
            top_p: echo("top_p"),
            truncation: "disabled",
            usage: None,
            user: echo("user"),
            metadata: or("metadata", "{}"),
            sources: &head.sources,
        }
    }

    /// A response that came to its end.
    pub(super) fn ended(
        thread: &'a Thread,
        head: &'a Head,
        output: &'a Output,
        bill: Bill<'_>,
    ) -> Self {
        Self {
            status: output_status(output),
            incomplete_details: Incomplete::of(output),
            usage: Some(UsageBody::new(bill)),
            ..Self::begun(thread, head, output)
        }
    }

    /// A response that broke off.
    pub(super) fn failed(
        thread: &'a Thread,
        head: &'a Head,
        output: &'a Output,
        error: &'a Error,
    ) -> Self {
        let code = match error.kind {
            Kind::RateLimited | Kind::UpstreamBusy => "rate_limit_exceeded",
            _ => "server_error",
        };
        let message = &error.message;
        Self {
            status: Status::Failed,
            error: Some(Failure { code, message }),
            ..Self::begun(thread, head, output)
        }
    }
}

#[derive(Serialize)]
struct Kinded {
    #[serde(rename = "type")]
    kind: &'static str,
}

impl Incomplete {
    fn of(output: &Output) -> Option<Self> {
        let reason = match output.finish? {
            FinishReason::Length => "max_output_tokens",
            FinishReason::ContentFilter => "content_filter",
            FinishReason::Refusal if !output.refuses() => "content_filter",
            _ => return None,
        };
        Some(Self { reason })
    }
}

impl UsageBody {
    fn new(Bill { usage, cost }: Bill<'_>) -> Self {
        Self {
            input_tokens: usage.input_tokens,
            input_tokens_details: InputTokens {
                cached_tokens: usage.cached_input_tokens,
                cache_write_tokens: usage.cache_write_tokens,
            },
            output_tokens: usage.output_tokens,
            output_tokens_details: OutputTokens {
                reasoning_tokens: usage.reasoning_tokens,
            },
            total_tokens: usage.total_tokens(),
            cost_usd: cost.to_usd(),
        }
    }
}
