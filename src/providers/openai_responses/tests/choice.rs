use super::{chat, deployment, respond};
use crate::protocol::{ChatRequest, anthropic};
use crate::providers::encode::Prompt;
use crate::providers::openai_responses::suits;

fn is_response(request: &ChatRequest, max_tokens: u32) -> bool {
    let prompt = Prompt {
        request,
        messages: &request.messages,
    };
    suits(prompt, max_tokens, &deployment())
}

/// A conversation by Anthropic's wire that brings reasoning back.
fn with_reasoning(signature: &str) -> ChatRequest {
    let body = format!(
        r#"{{"model":"m","max_tokens":99,"messages":[{{"role":"user","content":"Hi"}},{{"role":"assistant","content":[{{"type":"thinking","thinking":"Hm.","signature":"{signature}"}},{{"type":"text","text":"a"}}]}},{{"role":"user","content":"b"}}]}}"#
    );
    anthropic::parse(body.as_bytes()).unwrap()
}

#[test]
fn callers_of_responses_are_answered_by_responses() {
    assert!(is_response(&respond(r#""input":"Hi""#), 16));
    let request = chat(r#""messages":[{"role":"user","content":"Hi"}]"#);
    assert!(!is_response(&request, 16));
}

#[test]
fn reasoning_that_only_a_response_takes_back_makes_one() {
    let own = format!("esclusa.openai@{}@rs_1.gA==", deployment().0);
    assert!(is_response(&with_reasoning(&own), 100));
    for foreign in [
        "esclusa.openai@0a1b@rs_1.gA==",
        "esclusa.openai.gA==",
        "c2ln",
    ] {
        assert!(!is_response(&with_reasoning(foreign), 100), "{foreign}");
    }
}

#[test]
fn what_responses_do_not_take_is_left_to_chat_completions() {
    assert!(!is_response(&respond(r#""input":"Hi""#), 15));
    let sound = respond(
        r#""input":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"UklG","format":"wav"}}]}]"#,
    );
    assert!(!is_response(&sound, 100));
}

#[test]
fn deployments_differ_by_provider_address_and_key() {
    use crate::providers::Deployment;
    let all = [
        Deployment::new("openai", "", ""),
        Deployment::new("openai", "https://a.example", "sk-1"),
        Deployment::new("openai", "https://a.example", "sk-2"),
        Deployment::new("openai", "https://b.example", "sk-1"),
        Deployment::new("azure-openai", "https://a.example", "sk-1"),
        Deployment::new("openai", "https://a.examples", "k-1"),
    ];
    for (index, one) in all.iter().enumerate() {
        assert_eq!(all.iter().position(|other| one == other), Some(index));
        assert!(!format!("{one:?}").contains("sk-"));
    }
}
