use std::fmt::Write as _;

use super::super::{Known, complete, of_item, parse, record};
use super::{ENCRYPTED, answer, answers, bill, head, reasoning, rendered, signature, text, thread};
use crate::golden::assert_golden;
use crate::protocol::{Family, FinishReason, Part};

#[test]
fn answers_are_written_as_responses() {
    let mut golden = String::new();
    let thread = thread(ENCRYPTED);
    for (name, answer) in answers() {
        let response = rendered(&thread, &answer);
        let shown = serde_json::json!({
            "status": response["status"],
            "incomplete_details": response["incomplete_details"],
            "output": response["output"],
            "service_tier": response["service_tier"],
        });
        writeln!(golden, "# {name}\n{shown:#}\n").unwrap();
    }
    assert_golden("responses_answers", &golden);
}

#[test]
fn a_response_tells_its_request_again() {
    let fields = r#","instructions":"Be brief.","metadata":{"a":"b"},"temperature":0.5,"top_p":0.9,
        "tools":[{"type":"function","name":"f","parameters":{}}],"tool_choice":"auto",
        "parallel_tool_calls":false,"reasoning":{"effort":"low"},"text":{"verbosity":"low"},
        "store":false,"user":"u","max_output_tokens":7,"top_logprobs":2,"prompt_cache_key":"k",
        "safety_identifier":"s","service_tier":"flex""#;
    let whole = |fields| {
        let response = rendered(
            &thread(fields),
            &answer(vec![text("a")], FinishReason::Stop),
        );
        format!("{response:#}")
    };
    let golden = format!("# usual\n{}\n\n# echo\n{}\n", whole(""), whole(fields));
    assert_golden("responses_body", &golden);
}

/// Reasoning without its signature is of no use to the model, but it is the client's to ask for it.
#[test]
fn signatures_are_shown_to_who_asks_and_kept_for_who_goes_on() {
    let signed = vec![
        reasoning("Hm.", Some(signature(Family::Anthropic, "s"))),
        text("a"),
    ];
    let answer = answer(signed, FinishReason::Stop);
    let plain = thread("");
    assert!(!rendered(&plain, &answer).to_string().contains("encrypted"));
    let shown = rendered(&thread(ENCRYPTED), &answer);
    assert_eq!(
        shown["output"][0]["encrypted_content"],
        "esclusa.anthropic.s"
    );
    let record = record(&plain, &answer, &head(), bill());
    assert!(!record.response.get().contains("encrypted"));
    assert!(record.items[1].get().contains("esclusa.anthropic.s"));
    assert_eq!(record.input, (0, 1));
}

#[test]
fn what_was_answered_is_read_back_as_it_was() {
    for (name, answer) in answers() {
        if [
            "tools of the provider",
            "a picture",
            "a cited text",
            "cited by files",
        ]
        .contains(&name)
        {
            continue;
        }
        let record = record(&thread(ENCRYPTED), &answer, &head(), bill());
        let mut known = Known::default();
        known.previous.clone_from(&record.items);
        let results = answer.choices[0].tool_calls().map(|call| {
            format!(
                r#"{{"type":"function_call_output","call_id":"{}","output":"x"}}"#,
                call.id
            )
        });
        let user = r#"{"role":"user","content":"And?"}"#.to_owned();
        let items: Vec<String> = results.chain([user]).collect();
        let body = format!(
            r#"{{"model":"auto","previous_response_id":"resp_1","input":[{}]}}"#,
            items.join(",")
        );
        let mut request = parse(body.as_bytes()).unwrap();
        assert!(request.messages.is_empty());
        if let Err(error) = complete(&mut request, known) {
            // Calls between which the model speaks are answered at the end of its turn.
            panic!("{name}: {error}");
        }
        let filled = |part: &&Part| part.as_text() != Some("");
        let expected: Vec<&Part> = answer.choices[0].parts.iter().filter(filled).collect();
        let said: Vec<&Part> = request
            .messages
            .iter()
            .filter(|message| message.role == crate::protocol::Role::Assistant)
            .flat_map(|message| &message.parts)
            .collect();
        assert_eq!(said, expected, "{name}");
    }
}

#[test]
fn ids_of_items_lead_to_their_response() {
    assert_eq!(of_item("msg_0197-a_3").as_deref(), Some("resp_0197-a"));
    assert_eq!(of_item("fc_0197-a_in3").as_deref(), Some("resp_0197-a"));
    for id in ["", "msg", "msg_x", "resp-1"] {
        assert_eq!(of_item(id), None, "{id}");
    }
}
