//! Whole answers of providers.

use esclusa::config::Wire;
use esclusa::providers::{Failure, decode_answer, openai_media, workers_ai};

use super::failures::check;
use super::streams::BOUND;
use super::written;

/// Vectors or scores that are expected.
const COUNT: usize = 2;

/// An answer of a chat model can be said to every caller.
pub(crate) fn answer(wire: Wire, bytes: &[u8]) {
    match decode_answer(wire, BOUND, bytes) {
        Ok(answer) => written::answer(&answer),
        Err(failure) => check(&failure),
    }
}

/// Answers of models that hold no conversation.
pub(crate) fn tasks(bytes: &[u8]) {
    let texts = [String::new(), String::new()];
    let batch = openai_media::Batch::Texts(&texts);
    let vectors = [
        sound(workers_ai::decode_embedding(bytes, COUNT)),
        sound(openai_media::decode_embedding(bytes, batch)).map(|(vectors, _)| vectors),
    ];
    for vectors in vectors.into_iter().flatten() {
        assert_eq!(vectors.len(), COUNT, "a vector for each text");
        let mut numbers = vectors.iter().flatten();
        assert!(
            numbers.all(|number| number.is_finite()),
            "no numbers: {vectors:?}"
        );
    }
    if let Some(verdicts) = sound(openai_media::decode_moderation(bytes, COUNT)) {
        assert_eq!(verdicts.len(), COUNT, "a verdict for each text");
    }
    if let Some(scores) = sound(workers_ai::decode_rerank(bytes, COUNT)) {
        let known = |(index, score): &(usize, f64)| *index < COUNT && score.is_finite();
        assert!(scores.iter().all(known), "of no text: {scores:?}");
    }
    sound(workers_ai::decode_transcription(bytes));
    sound(workers_ai::decode_sound(bytes));
    sound(workers_ai::decode_image(bytes));
    sound(workers_ai::decode_guard(bytes));
}

fn sound<T>(answer: Result<T, Failure>) -> Option<T> {
    if let Err(failure) = &answer {
        check(failure);
    }
    answer.ok()
}
