//! Markdown to the text that it means, for places that show no marks: messages by telephone, fields of
//! forms, voices. `pulldown-cmark` reads it: `CommonMark` with tables and strikethrough. Only what each of
//! its events becomes as text is written here.

use std::{iter, mem};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// Levels of lists that indent their lines. A line needs no blanks of its own to belong to a deep list, so
/// without a limit a text could become as long as its square.
const DEEPEST: usize = 8;

/// Quotes and lists that one line opens. The library reads a text in a time that grows with its length, but
/// for lines inside many of them: 100,000 and a text of 200 KB take 20 seconds.
const MOST_OPENED: usize = 32;

/// What is read, in bytes: the library takes up to 130 times as much memory, of the 128 MB that there are.
const LONGEST: usize = 256 * 1024;

/// Bytes of addresses for each byte of the text: a definition may be used often.
const MOST_ADDRESSES: usize = 4;

/// Elements of HTML that begin and end a line.
const BLOCKS: [&str; 29] = [
    "blockquote",
    "center",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
];

/// Those that stand in a line.
const SPANS: [&str; 25] = [
    "a", "abbr", "b", "cite", "code", "del", "em", "font", "i", "img", "ins", "kbd", "mark", "q",
    "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "u", "var", "wbr",
];

/// The text without its marks. A text longer than 262,144 bytes stays as it is.
#[must_use]
pub fn to_text(markdown: &str) -> String {
    if markdown.len() > LONGEST {
        return markdown.to_owned();
    }
    let lines = markdown.split_inclusive(['\n', '\r']);
    let markdown: String = lines.map(without_deep_marks).collect();
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut text = Text {
        addresses: markdown.len().saturating_mul(MOST_ADDRESSES),
        ..Text::default()
    };
    for event in Parser::new_ext(&markdown, options) {
        text.block(event);
    }
    text.finished()
}

/// The line; one that opens too many quotes and lists opens none.
fn without_deep_marks(line: &str) -> &str {
    let mut rest = line;
    let mut opened: usize = 0;
    while let Some(inside) = inside_mark(rest) {
        rest = inside;
        opened = opened.saturating_add(1);
    }
    if opened > MOST_OPENED { rest } else { line }
}

/// What follows the mark of a quote or of an item of a list.
fn inside_mark(text: &str) -> Option<&str> {
    let text = text.trim_start();
    if let Some(quoted) = text.strip_prefix('>') {
        return Some(quoted);
    }
    let after_number = text.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let item = if after_number.len() < text.len() {
        after_number.strip_prefix(['.', ')'])
    } else {
        text.strip_prefix(['-', '+', '*'])
    };
    item.filter(|item| item.is_empty() || item.starts_with(char::is_whitespace))
}

/// The text as far as it is read, and what has to come before the next that is shown.
#[derive(Default)]
struct Text {
    shown: String,
    /// Ends of lines before what is shown next.
    line_ends: usize,
    /// The marks of the items that what is shown next begins.
    marks: String,
    /// Ends of cells before what is shown next.
    tabs: usize,
    /// The quotes and lists around.
    around: Vec<Around>,
    /// How many of them are lists.
    depth: usize,
    in_code: bool,
    in_cell: bool,
    /// Pictures inside each other, in whose text no address is shown.
    pictures: usize,
    /// Where the link leads whose text is read.
    address: String,
    /// Bytes of addresses that may still be shown.
    addresses: usize,
    /// The block of HTML that is read.
    html: String,
}

enum Around {
    Quote,
    /// The number of its next item, and whether its items are divided by empty lines.
    List {
        number: Option<u64>,
        loose: bool,
    },
}

/// Blocks.
impl Text {
    fn block(&mut self, event: Event) {
        match event {
            Event::Start(Tag::Paragraph) => {
                // What a tight list holds is no paragraph.
                if let Some(Around::List { loose, .. }) = self.around.last_mut() {
                    *loose = true;
                }
                self.begin();
            }
            Event::Start(Tag::BlockQuote(_)) => {
                self.begin();
                self.around.push(Around::Quote);
            }
            Event::End(TagEnd::BlockQuote(_)) => self.leave(),
            Event::Start(Tag::List(number)) => {
                self.begin();
                self.depth = self.depth.saturating_add(1);
                let loose = false;
                self.around.push(Around::List { number, loose });
            }
            Event::End(TagEnd::List(_)) => {
                self.depth = self.depth.saturating_sub(1);
                self.leave();
            }
            Event::Start(Tag::Item) => self.begin_item(),
            Event::End(TagEnd::Item) => self.end_item(),
            Event::Start(Tag::CodeBlock(_)) => {
                self.begin();
                self.in_code = true;
            }
            Event::End(TagEnd::CodeBlock) => {
                self.in_code = false;
                self.divide();
            }
            Event::Start(Tag::TableHead | Tag::TableRow) => self.line_ends = self.line_ends.max(1),
            Event::End(TagEnd::TableHead | TagEnd::TableRow) => self.tabs = 0,
            Event::Start(Tag::TableCell) => self.in_cell = true,
            Event::End(TagEnd::TableCell) => {
                self.in_cell = false;
                self.tabs = self.tabs.saturating_add(1);
            }
            Event::Html(html) => self.html.push_str(&html),
            Event::End(TagEnd::HtmlBlock) => {
                self.html_block();
                self.divide();
            }
            Event::Start(Tag::Heading { .. } | Tag::HtmlBlock | Tag::Table(_)) => self.begin(),
            Event::End(TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Table) | Event::Rule => {
                self.divide();
            }
            event => self.span(event),
        }
    }

    /// What comes before may be text of a tight list, which nothing ends.
    fn begin(&mut self) {
        if self.line_ends == 0 {
            self.divide();
        }
    }

    /// Between two blocks is an empty line; in a tight list, the end of one.
    fn divide(&mut self) {
        let in_tight_list = matches!(self.around.last(), Some(Around::List { loose: false, .. }));
        let line_ends = if in_tight_list { 1 } else { 2 };
        // The first block of an item stands beside its mark.
        if self.marks.is_empty() {
            self.line_ends = self.line_ends.max(line_ends);
        }
    }

    fn leave(&mut self) {
        self.around.pop();
        self.divide();
    }

    fn begin_item(&mut self) {
        if self.marks.is_empty() {
            self.line_ends = self.line_ends.max(1);
            indent(&mut self.marks, self.depth.saturating_sub(1));
        }
        match self.around.last_mut() {
            Some(Around::List {
                number: Some(number),
                ..
            }) => {
                self.marks.push_str(&number.to_string());
                self.marks.push_str(". ");
                *number = number.saturating_add(1);
            }
            _ => self.marks.push_str("- "),
        }
    }

    fn end_item(&mut self) {
        if !self.marks.is_empty() {
            self.begin_line();
        }
        self.line_ends = 0;
        self.divide();
    }

    /// Reads a block of HTML as a paragraph, in which the library tells tags from text. It begins with the
    /// end of a line, and no line of it can begin a block, as far as it is indented.
    fn html_block(&mut self) {
        let html = mem::take(&mut self.html);
        let mut paragraph = String::from("\\");
        let lines = html.split(['\n', '\r']).map(str::trim);
        for line in lines.filter(|line| !line.is_empty()) {
            paragraph.push_str("\n    ");
            paragraph.push_str(line);
        }
        let start_and_line_end = 2;
        for event in Parser::new(&paragraph).skip(start_and_line_end) {
            self.span(event);
        }
    }
}

/// What is inside blocks.
impl Text {
    fn span(&mut self, event: Event) {
        match event {
            Event::Text(text) | Event::Code(text) => self.lines(&text),
            Event::SoftBreak => self.line_ends = self.line_ends.max(1),
            Event::HardBreak => self.break_line(),
            Event::InlineHtml(tag) => self.tag(&tag),
            Event::Start(Tag::Image { .. }) => self.pictures = self.pictures.saturating_add(1),
            Event::End(TagEnd::Image) => self.pictures = self.pictures.saturating_sub(1),
            Event::Start(Tag::Link { dest_url, .. }) if self.pictures == 0 => {
                self.address = dest_url.into_string();
            }
            Event::End(TagEnd::Link) if self.pictures == 0 => self.end_link(),
            _ => {}
        }
    }

    /// A tag of HTML; what is none, such as the placeholder `<name>`, is text.
    fn tag(&mut self, tag: &str) {
        let inside = tag.trim_matches(['<', '/', '>']);
        let end = inside.find(|letter: char| letter.is_whitespace() || letter == '/');
        let name = end.and_then(|end| inside.get(..end)).unwrap_or(inside);
        let is_of = |names: &[&str]| names.iter().any(|known| name.eq_ignore_ascii_case(known));
        if is_of(&["br"]) {
            self.break_line();
        } else if is_of(&BLOCKS) {
            self.line_ends = self.line_ends.max(1);
        } else if !is_of(&SPANS) && !name.starts_with(['!', '?']) {
            self.lines(tag);
        }
    }

    /// The address after the text, where it is not in it.
    fn end_link(&mut self) {
        let address = mem::take(&mut self.address);
        let left = self.addresses.checked_sub(address.len());
        if let Some(left) = left.filter(|_| !self.shown.ends_with(&address)) {
            self.addresses = left;
            self.lines(" (");
            self.lines(&address);
            self.lines(")");
        }
    }

    fn break_line(&mut self) {
        if self.in_cell {
            self.show(" ");
        } else {
            self.line_ends = self.line_ends.saturating_add(1).min(2);
        }
    }

    /// Code has several lines, and any text may have the entity of an end of line.
    fn lines(&mut self, text: &str) {
        for (index, line) in text.split('\n').enumerate() {
            if index > 0 {
                self.break_line();
            }
            self.show(line);
        }
    }

    fn show(&mut self, text: &str) {
        let begins = self.shown.is_empty() || self.line_ends > 0 || self.tabs > 0;
        let text = match begins {
            true if text.trim().is_empty() => return,
            true if !self.in_code => text.trim_start(),
            _ => text,
        };
        if begins {
            self.begin_line();
        }
        self.shown.push_str(text);
    }

    /// Writes what has to come before the next that is shown.
    fn begin_line(&mut self) {
        self.shown.truncate(self.shown.trim_end().len());
        let line_ends = mem::take(&mut self.line_ends);
        if line_ends > 0 || self.shown.is_empty() {
            if !self.shown.is_empty() {
                self.shown.extend(iter::repeat_n('\n', line_ends));
            }
            if self.marks.is_empty() {
                indent(&mut self.shown, self.depth);
            }
            self.shown.push_str(&mem::take(&mut self.marks));
        }
        let tabs = mem::take(&mut self.tabs);
        self.shown.extend(iter::repeat_n('\t', tabs));
    }

    fn finished(mut self) -> String {
        self.shown.truncate(self.shown.trim_end().len());
        self.shown
    }
}

fn indent(text: &mut String, depth: usize) {
    text.extend(iter::repeat_n("  ", depth.min(DEEPEST)));
}

#[cfg(test)]
mod tests;
