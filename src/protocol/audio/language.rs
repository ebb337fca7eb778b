//! A guess at the language of a text that is to be spoken, where nobody said it: English or Spanish,
//! by their commonest words and letters.

const ENGLISH: [&str; 24] = [
    "and", "are", "be", "but", "can", "for", "have", "in", "is", "it", "not", "of", "on", "our",
    "that", "the", "this", "to", "was", "we", "will", "with", "you", "your",
];
const SPANISH: [&str; 26] = [
    "al", "como", "con", "de", "del", "el", "en", "es", "está", "la", "las", "le", "lo", "los",
    "más", "para", "pero", "por", "que", "se", "su", "sus", "un", "una", "usted", "y",
];
const SPANISH_LETTERS: [char; 4] = ['¿', '¡', 'ñ', 'Ñ'];

/// The ISO 639-1 code of the language, where it is likely.
pub(super) fn guess(text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase();
    let words = || lower.split(|mark: char| !mark.is_alphabetic());
    let english = words().filter(|word| ENGLISH.contains(word)).count();
    let spanish = words().filter(|word| SPANISH.contains(word)).count();
    let letters = text.matches(SPANISH_LETTERS).count();
    match spanish.saturating_add(letters).cmp(&english) {
        std::cmp::Ordering::Less => Some("en"),
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => Some("es"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_sentences_are_told_apart() {
        for (text, expected) in [
            ("The shop is open from nine to five.", Some("en")),
            ("La tienda abre de nueve a cinco.", Some("es")),
            ("¡Hola!", Some("es")),
            ("Mañana", Some("es")),
            ("Hello", None),
            ("12345", None),
            ("", None),
        ] {
            assert_eq!(guess(text), expected, "{text}");
        }
    }
}
