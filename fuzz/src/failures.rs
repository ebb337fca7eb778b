//! Answers that tell of a failure.

use esclusa::providers::{Failure, classify};

/// Each class of status has its own way through.
const STATUSES: [u16; 8] = [302, 400, 401, 404, 413, 429, 500, 529];
const MAX_MESSAGE: usize = 300;

/// What is kept of a failure is fit for a log.
pub(crate) fn failure(bytes: &[u8]) {
    for status in STATUSES {
        let failure = classify(status, Some(1), bytes);
        assert_eq!(failure.status, Some(status));
        check(&failure);
    }
}

/// Panics unless the message is one bounded line without what looks like a key.
pub(crate) fn check(failure: &Failure) {
    let message = &failure.message;
    assert!(
        message.chars().count() <= MAX_MESSAGE,
        "too long: {message}"
    );
    assert!(
        !message.chars().any(char::is_control),
        "not one line: {message:?}"
    );
    let key = ["sk-", "esk_"]
        .iter()
        .find(|prefix| message.contains(**prefix));
    assert_eq!(key, None, "a key: {message}");
}
