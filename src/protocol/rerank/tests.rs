use serde_json::json;

use super::*;
use crate::error::Kind;

#[test]
fn both_forms_of_documents_are_read() {
    let body = json!({
        "query": "q", "documents": ["a", { "text": "b", "title": "B" }], "top_n": 9,
        "return_documents": true, "max_chunks_per_doc": 3,
    });
    let request = parse(body.to_string().as_bytes()).unwrap();
    assert_eq!(request.model, "auto");
    assert_eq!(request.documents, ["a", "b"]);
    assert_eq!(request.top_n, 2);
    assert!(request.return_documents);
    assert_eq!(request.warnings.len(), 1);
}

#[test]
fn bad_fields_are_named() {
    let many = vec!["a"; MAX_DOCUMENTS + 1];
    let cases = [
        (json!({ "documents": ["a"] }), "query"),
        (json!({ "query": "", "documents": ["a"] }), "query"),
        (json!({ "query": 1, "documents": ["a"] }), "query"),
        (json!({ "query": "q" }), "documents"),
        (json!({ "query": "q", "documents": [] }), "documents"),
        (json!({ "query": "q", "documents": "a" }), "documents"),
        (json!({ "query": "q", "documents": many }), "documents"),
        (
            json!({ "query": "q", "documents": ["a", ""] }),
            "documents[1]",
        ),
        (json!({ "query": "q", "documents": [1] }), "documents[0]"),
        (
            json!({ "query": "q", "documents": [{}] }),
            "documents[0].text",
        ),
        (
            json!({ "query": "q", "documents": [{ "text": 1 }] }),
            "documents[0].text",
        ),
        (
            json!({ "query": "q", "documents": ["a"], "top_n": 0 }),
            "top_n",
        ),
        (
            json!({ "query": "q", "documents": ["a"], "top_n": "1" }),
            "top_n",
        ),
        (
            json!({ "query": "q", "documents": ["a"], "return_documents": 1 }),
            "return_documents",
        ),
        (
            json!({ "query": "q", "documents": ["a"], "model": [] }),
            "model",
        ),
    ];
    for (body, param) in cases {
        let error = parse(body.to_string().as_bytes()).unwrap_err();
        assert_eq!(error.kind, Kind::InvalidRequest);
        assert_eq!(error.param.as_deref(), Some(param), "{body}");
    }
}

#[test]
fn results_have_the_fields_of_both_providers() {
    let body = json!({ "query": "q", "documents": ["a", "b"], "return_documents": true });
    let request = parse(body.to_string().as_bytes()).unwrap();
    let usage = Usage {
        input_tokens: 7,
        ..Usage::default()
    };
    let bytes = render(&request, &[(1, 0.75)], "id1", "m", &usage, Nanos::new(3));
    let answer: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(
        answer,
        json!({
            "id": "id1", "model": "m",
            "results": [{ "index": 1, "relevance_score": 0.75, "document": { "text": "b" } }],
            "usage": { "prompt_tokens": 7, "total_tokens": 7, "cost_usd": "0.000000003" },
            "meta": { "tokens": { "input_tokens": 7 } },
        })
    );
}
