//! Letters that compare equal whatever their case and accents.

/// What a letter or digit is read as: lower case, without accents, every digit alike.
pub(super) fn letters(character: char) -> impl Iterator<Item = char> {
    let lower = character.to_lowercase();
    lower.filter(|&letter| !vanishes(letter)).map(plain)
}

/// Whether a character says nothing: apostrophes (`doesn't` is `doesnt`) and accents that stand alone.
pub(super) const fn vanishes(character: char) -> bool {
    matches!(character, '\'' | '’' | '\u{0300}'..='\u{036f}')
}

/// The letter without its accent, for the Latin letters of Western Europe.
const fn plain(letter: char) -> char {
    match letter {
        '0'..='9' => '0',
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
