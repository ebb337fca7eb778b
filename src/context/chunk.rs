//! A document's text to passages of about 800 to 1,200 characters.

/// A passage ends at the first paragraph beyond so many characters.
const TARGET: usize = 800;
/// The most characters of a passage.
pub const LIMIT: usize = 1_200;
/// The most characters of a piece that is kept whole; longer sentences are cut.
const PIECE: usize = 700;
/// The most characters of a heading; longer ones are text.
const HEADING: usize = 160;
/// The most characters repeated from the passage before.
const OVERLAP: usize = 160;

/// Cuts a text into passages, in order. Paragraphs and sentences stay whole where they can, a heading
/// stays with its text and is repeated where its section goes on in the next passage, and the last
/// sentence of a passage that ends inside a paragraph opens the next one. Linear in the text.
#[must_use]
pub fn chunk(text: &str) -> Vec<String> {
    let mut packer = Packer::default();
    for line in lines(text) {
        if is_heading(line.text) {
            packer.add(Piece::new(line.text, Kind::Heading));
            continue;
        }
        let mut kind = if line.opens_paragraph {
            Kind::Paragraph
        } else {
            Kind::Line
        };
        for sentence in sentences(line.text) {
            for part in cut(sentence) {
                packer.add(Piece::new(part, kind));
                kind = Kind::Sentence;
            }
        }
    }
    packer.finish()
}

/// How a piece follows the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Opens a section.
    Heading,
    /// Opens a line within a paragraph.
    Line,
    /// Opens a paragraph.
    Paragraph,
    /// Goes on in the same line.
    Sentence,
}

/// A part of a text that stays whole.
#[derive(Clone, Copy, Debug)]
struct Piece<'a> {
    text: &'a str,
    kind: Kind,
    characters: usize,
}

impl<'a> Piece<'a> {
    fn new(text: &'a str, kind: Kind) -> Self {
        let characters = text.chars().count();
        Self {
            text,
            kind,
            characters,
        }
    }

    const fn separator(&self) -> &'static str {
        match self.kind {
            Kind::Heading | Kind::Paragraph => "\n\n",
            Kind::Line => "\n",
            Kind::Sentence => " ",
        }
    }
}

/// Gathers pieces into passages.
#[derive(Default)]
struct Packer<'a> {
    passages: Vec<String>,
    pieces: Vec<Piece<'a>>,
    /// Characters of `pieces`, separators included.
    characters: usize,
    /// Pieces at the start of `pieces` that another passage has already.
    repeated: usize,
    section: Option<Piece<'a>>,
}

impl<'a> Packer<'a> {
    fn add(&mut self, piece: Piece<'a>) {
        if self.is_full(&piece) {
            self.flush(&piece);
        }
        if piece.kind == Kind::Heading {
            self.section = Some(piece);
        }
        self.push(piece);
    }

    /// Headings at the end do not count as text, so that one is never parted from what follows.
    fn is_full(&self, next: &Piece<'a>) -> bool {
        let long = self.characters >= TARGET;
        let opens = matches!(next.kind, Kind::Heading | Kind::Paragraph);
        let after = self
            .characters
            .saturating_add(next.characters)
            .saturating_add(2);
        after > LIMIT || (long && opens && !self.ends_with_heading())
    }

    fn ends_with_heading(&self) -> bool {
        let last = self.pieces.last();
        last.is_some_and(|piece| piece.kind == Kind::Heading)
    }

    fn push(&mut self, piece: Piece<'a>) {
        let added = piece.characters.saturating_add(piece.separator().len());
        self.characters = self.characters.saturating_add(added);
        self.pieces.push(piece);
    }

    /// Ends the passage and opens the next with what belongs before `next`.
    fn flush(&mut self, next: &Piece<'a>) {
        let waiting = self.take_last_heading();
        let overlap = self.overlap(next).filter(|_| waiting.is_none());
        self.close();
        if next.kind != Kind::Heading {
            let heading = waiting.or(self.section);
            self.reopen(heading, waiting.is_some());
        } else if let Some(heading) = waiting {
            self.push(heading);
        }
        if let Some(sentence) = overlap {
            self.push(sentence);
            self.repeated = self.pieces.len();
        }
    }

    fn reopen(&mut self, heading: Option<Piece<'a>>, is_new: bool) {
        if let Some(heading) = heading {
            self.push(heading);
            self.repeated = usize::from(!is_new);
        }
    }

    /// The heading at the end, which goes with the text that follows it, unless it stands alone.
    fn take_last_heading(&mut self) -> Option<Piece<'a>> {
        if self.ends_with_heading() && self.pieces.len() > self.repeated.saturating_add(1) {
            self.pieces.pop()
        } else {
            None
        }
    }

    /// The sentence to repeat where a paragraph goes on in the next passage.
    fn overlap(&self, next: &Piece<'a>) -> Option<Piece<'a>> {
        let goes_on = matches!(next.kind, Kind::Line | Kind::Sentence);
        let last = self.pieces.last().filter(|_| goes_on)?;
        let short = last.characters <= OVERLAP && last.kind != Kind::Heading;
        short.then_some(Piece {
            kind: Kind::Paragraph,
            ..*last
        })
    }

    fn close(&mut self) {
        if self.pieces.len() > self.repeated {
            let mut passage = String::new();
            for piece in &self.pieces {
                if !passage.is_empty() {
                    passage.push_str(piece.separator());
                }
                passage.push_str(piece.text);
            }
            self.passages.push(passage);
        }
        self.pieces.clear();
        self.characters = 0;
        self.repeated = 0;
    }

    fn finish(mut self) -> Vec<String> {
        self.close();
        self.passages
    }
}

/// A line that is not blank.
struct Line<'a> {
    text: &'a str,
    opens_paragraph: bool,
}

fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut opens_paragraph = true;
    text.lines().filter_map(move |line| {
        let text = line.trim();
        if text.is_empty() {
            opens_paragraph = true;
            return None;
        }
        let line = Line {
            text,
            opens_paragraph,
        };
        opens_paragraph = is_heading(text);
        Some(line)
    })
}

/// A Markdown heading.
fn is_heading(line: &str) -> bool {
    let title = line.trim_start_matches('#');
    title.len() < line.len() && title.starts_with(' ') && line.chars().nth(HEADING).is_none()
}

/// The sentences of a line, blanks around them removed.
fn sentences(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (sentence, tail) = rest
            .split_at_checked(sentence_end(rest))
            .unwrap_or((rest, ""));
        rest = tail.trim_start();
        Some(sentence.trim_end())
    })
}

/// The byte after the first mark that ends a sentence: one with a blank after it.
fn sentence_end(text: &str) -> usize {
    let mut marks = text.match_indices(['.', '!', '?', '…', '。']);
    let end = marks.find_map(|(at, mark)| {
        let end = at.saturating_add(mark.len());
        let next = text.get(end..)?.chars().next()?;
        (next.is_whitespace() || mark == "。").then_some(end)
    });
    end.unwrap_or(text.len())
}

/// The parts of a sentence of at most [`PIECE`] characters, cut at blanks where there are any.
fn cut(sentence: &str) -> impl Iterator<Item = &str> {
    let mut rest = sentence;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (part, tail) = rest.split_at_checked(cut_at(rest)).unwrap_or((rest, ""));
        rest = tail.trim_start();
        Some(part.trim_end())
    })
}

/// The byte to cut at: the last blank in the second half of the first [`PIECE`] characters, else
/// their end.
fn cut_at(text: &str) -> usize {
    let Some((end, _)) = text.char_indices().nth(PIECE) else {
        return text.len();
    };
    let head = text.get(..end).unwrap_or(text);
    let blank = head.rfind(char::is_whitespace);
    blank.filter(|&at| at >= end / 2).unwrap_or(end)
}

#[cfg(test)]
mod tests {

    use proptest::prelude::*;

    use super::*;

    fn sentence(number: usize) -> String {
        format!("Sentence {number} says something about batteries and the sun.")
    }

    fn paragraph(sentences: std::ops::Range<usize>) -> String {
        let sentences: Vec<String> = sentences.map(sentence).collect();
        sentences.join(" ")
    }

    #[test]
    fn a_short_text_is_one_passage() {
        assert_eq!(
            chunk("\n# Returns \r\n\r\nOne.  Two!\n- a\n- b\n\n\n\nThree"),
            ["# Returns\n\nOne. Two!\n- a\n- b\n\nThree"]
        );
        assert_eq!(chunk("One\r\nTwo\r\n\r\nThree"), ["One\nTwo\n\nThree"]);
        assert!(chunk(" \n\t\r\n").is_empty());
        assert!(chunk("").is_empty());
    }

    #[test]
    fn paragraphs_are_not_parted_where_they_fit() {
        let text = [paragraph(0..15), paragraph(15..20)].join("\n\n");
        assert_eq!(chunk(&text), [paragraph(0..15), paragraph(15..20)]);
    }

    #[test]
    fn a_parted_paragraph_repeats_the_sentence_at_the_cut() {
        let passages = chunk(&paragraph(0..30));
        assert_eq!(passages.len(), 2, "{passages:#?}");
        let (_, last) = passages[0].rsplit_once(". ").unwrap();
        assert!(passages[1].starts_with(last), "{passages:#?}");
    }

    #[test]
    fn a_heading_goes_with_its_text_and_is_repeated_while_it_goes_on() {
        let text = format!(
            "{}\n\n# Warranty\n\n{}",
            paragraph(0..15),
            paragraph(15..50)
        );
        let passages = chunk(&text);
        assert_eq!(passages[0], paragraph(0..15));
        assert!(passages.len() >= 3);
        for passage in &passages[1..] {
            assert!(passage.starts_with("# Warranty\n\nSentence"), "{passage}");
        }
    }

    #[test]
    fn a_heading_at_the_edge_waits_for_its_text() {
        let text = format!("{}\n# Late\n{}", paragraph(0..20), paragraph(20..30));
        for passage in chunk(&text) {
            assert!(!passage.ends_with("# Late"), "{passage}");
        }
    }

    // In quadratic time these two would not end.

    #[test]
    fn an_endless_word_is_cut_in_linear_time() {
        let passages = chunk(&"é".repeat(5_000_000));
        assert!(
            passages
                .iter()
                .all(|passage| passage.chars().count() <= LIMIT)
        );
        let characters: usize = passages.iter().map(|passage| passage.chars().count()).sum();
        assert_eq!(characters, 5_000_000);
    }

    #[test]
    fn long_texts_of_every_shape_take_linear_time() {
        for pattern in [
            "a. ",
            "# a\n",
            "a\n\n",
            "a.b",
            "#",
            "。",
            "\n",
            "- a b c d\n",
        ] {
            let text = pattern.repeat(2_000_000 / pattern.len());
            assert!(
                chunk(&text)
                    .iter()
                    .all(|passage| passage.chars().count() <= LIMIT)
            );
        }
    }

    fn solid(text: &str) -> impl Iterator<Item = char> {
        text.chars().filter(|character| !character.is_whitespace())
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_is_too_long(
            text in "(([a-zñ€#0-9]{1,30}|[.!?。] ?|\n|\n\n|\n# |\r\n| |\u{3000}){0,40}[ \n]){0,12}",
        ) {
            let text = text.repeat(6);
            let passages = chunk(&text);
            let mut kept = passages.iter().flat_map(|passage| solid(passage));
            for character in solid(&text) {
                prop_assert!(kept.any(|candidate| candidate == character), "lost {character:?}");
            }
            for passage in &passages {
                prop_assert!(passage.chars().count() <= LIMIT);
                prop_assert!(!passage.trim().is_empty());
            }
        }
    }
}
