//! What the name of a switch means.

use super::*;

/// A request of each kind of work that names no operation, with the name under which it is recorded.
fn works(acme: &Acme) -> Vec<(&'static str, Request)> {
    let post = |path: &str| Request::new("POST", path).key(&acme.key);
    let of = |path: &str, body: Value| post(path).json(&body);
    let sound = post("/v1/audio/transcriptions").form(&[("model", WHISPER)], &[("file", b"RIFF")]);
    let document = json!({ "id": "returns", "title": "Returns", "text": RETURNS });
    vec![
        (
            "embed",
            of("/v1/embeddings", json!({ "model": EMBED, "input": "Hi" })),
        ),
        (
            "generate_image",
            of(
                "/v1/images/generations",
                json!({ "model": FLUX, "prompt": "A cat" }),
            ),
        ),
        ("ingest", of("/v1/knowledge/documents", document)),
        ("moderate", of("/v1/moderations", json!({ "input": "Hi" }))),
        (
            "rerank",
            of(
                "/v1/rerank",
                json!({ "model": RERANK, "query": "q", "documents": ["a"] }),
            ),
        ),
        (
            "speak",
            of(
                "/v1/audio/speech",
                json!({ "model": AURA, "input": "Hi", "voice": "alloy" }),
            ),
        ),
        ("transcribe", sound),
    ]
}

#[test]
fn work_that_is_recorded_under_a_name_is_switched_off_by_it() {
    let acme = Acme::new();
    for (name, request) in works(&acme) {
        for path in [of_org, of_all].map(|of| of(&format!("operation/{name}"))) {
            let shown = turn_on(&acme, &path);
            assert_eq!(
                (&shown["switch"], &shown["known"]),
                (&json!(format!("operation/{name}")), &json!(true))
            );
            refused(&acme, &acme.worker, request.clone());
            turn_off(&acme, &path);
        }
        let done = acme.world.send(&acme.worker, request);
        assert!([200, 201].contains(&done.status), "{}", done.text());
        assert_eq!(acme.record(&done).draft.operation, name);
    }
    acme.check_released();
}
