//! Text to words that compare equal whatever their case and accents.

/// The words of at most the first `limit` characters: letters and digits in lower case, without
/// accents; apostrophes vanish (`doesn't` is `doesnt`), everything else separates.
#[must_use]
pub fn words(text: &str, limit: usize) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for character in text.chars().take(limit) {
        if character.is_alphanumeric() {
            let letters = character.to_lowercase().filter(|&letter| !vanishes(letter));
            word.extend(letters.map(plain));
        } else if !vanishes(character) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

const fn vanishes(character: char) -> bool {
    matches!(character, '\'' | '’' | '\u{0300}'..='\u{036f}')
}

/// The letter without its accent, for the Latin letters of Western Europe.
const fn plain(letter: char) -> char {
    match letter {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ę' => 'e',
        'ì' | 'í' | 'î' | 'ï' | 'ī' => 'i',
        'ñ' | 'ń' => 'n',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' => 'o',
        'ś' | 'š' => 's',
        'ù' | 'ú' | 'û' | 'ü' | 'ū' => 'u',
        'ý' | 'ÿ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_accents_and_apostrophes_do_not_count() {
        assert_eq!(
            words("¿Cuánto TARDA el envío? It doesn’t… São-Paulo 24/7", 100),
            [
                "cuanto", "tarda", "el", "envio", "it", "doesnt", "sao", "paulo", "24", "7"
            ]
        );
        assert_eq!(words("devolucio\u{0301}n İ", 100), ["devolucion", "i"]);
    }

    #[test]
    fn reads_no_further_than_the_limit() {
        assert_eq!(words("ááá bbb", 2), ["aa"]);
        assert!(words("abc", 0).is_empty());
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,60}") {
            let once = words(&text, 1_000);
            prop_assert_eq!(words(&once.join(" "), 10_000), once);
        }
    }
}
