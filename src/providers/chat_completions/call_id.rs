//! Ids of tool calls in the form that a provider takes. What another provider made is told under a name
//! of its own, the same for a call and its result and in every turn.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use crate::config::ToolCallIds;

const LENGTH: usize = 9;
const ALPHABET: [char; 62] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I',
    'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'a', 'b',
    'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u',
    'v', 'w', 'x', 'y', 'z',
];

/// The id that a provider is told.
pub(super) fn told(id: &str, form: ToolCallIds) -> Cow<'_, str> {
    let taken = match form {
        ToolCallIds::Any => true,
        ToolCallIds::NineAlphanumeric => {
            id.len() == LENGTH && id.chars().all(|mark| mark.is_ascii_alphanumeric())
        }
    };
    if taken {
        return Cow::Borrowed(id);
    }
    let digest = Sha256::digest(id);
    let letters = digest.iter().take(LENGTH).filter_map(|byte| {
        let place = usize::from(*byte).checked_rem(ALPHABET.len())?;
        ALPHABET.get(place)
    });
    Cow::Owned(letters.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_others_become_nine_letters_and_stay_apart() {
        let form = ToolCallIds::NineAlphanumeric;
        let others = [
            "call_1",
            "call_2",
            "",
            "toolu_01A09q90qw90lq917835lq9",
            "é12345678",
        ];
        let mut seen = Vec::new();
        for id in others {
            let told = told(id, form);
            assert_eq!(told.len(), 9, "{id}");
            assert!(
                told.chars().all(|mark| mark.is_ascii_alphanumeric()),
                "{told}"
            );
            assert_eq!(told, super::told(id, form));
            assert!(!seen.contains(&told), "{id}");
            seen.push(told);
        }
        assert_eq!(told("D681PevKs", form), "D681PevKs");
        assert_eq!(told("call_1", ToolCallIds::Any), "call_1");
    }
}
