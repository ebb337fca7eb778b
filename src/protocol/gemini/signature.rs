//! Thought signatures as clients carry them: base64, which Google's SDKs decode and encode again,
//! the one from Python in the alphabet for URLs.

use std::borrow::Cow;

use base64::prelude::{BASE64_STANDARD, Engine};

use crate::protocol::{Family, Signature};

/// The text of a signature: Google's own as it is, others tagged and encoded.
pub(super) fn write(signature: &Signature) -> Cow<'_, str> {
    match signature.to_wire(Family::Google) {
        Cow::Owned(tagged) => Cow::Owned(BASE64_STANDARD.encode(tagged)),
        own @ Cow::Borrowed(_) => own,
    }
}

/// The signature behind a text.
pub(super) fn read(text: &str) -> Signature {
    let tagged = BASE64_STANDARD.decode(standard(text).as_ref()).ok();
    let tagged = tagged.and_then(|bytes| String::from_utf8(bytes).ok());
    let foreign = tagged.map(|tagged| Signature::from_wire(&tagged, Family::Google));
    foreign
        .filter(|signature| signature.family != Family::Google)
        .unwrap_or_else(|| Signature::new(Family::Google, text))
}

/// Base64 in the standard alphabet.
pub(super) fn standard(data: &str) -> Cow<'_, str> {
    if data.contains(['-', '_']) {
        Cow::Owned(data.replace('-', "+").replace('_', "/"))
    } else {
        Cow::Borrowed(data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_of_others_survive_clients_that_decode_base64() {
        for family in [Family::Anthropic, Family::Google, Family::OpenAi] {
            let signature = Signature::new(family, "Eq?~>Xs=");
            let text = write(&signature);
            assert_eq!(read(&text), signature);
            if family != Family::Google {
                let python = text.replace('+', "-").replace('/', "_");
                assert_eq!(read(&python), signature);
            }
        }
        assert_eq!(read("not base64!").family, Family::Google);
    }
}
