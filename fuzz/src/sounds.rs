//! Files of sound, whose headers say how long they are.

use esclusa::protocol::audio::duration::{measured_ms, most_ms};

/// What is charged at most is never less than what is measured.
pub(crate) fn sound(bytes: &[u8]) {
    let most = most_ms(bytes);
    assert!(
        measured_ms(bytes).is_none_or(|length| length <= most),
        "{most}"
    );
}
