use std::time::{Duration, Instant};

use super::*;

fn check(cases: &[(&str, &str)]) {
    for (markdown, text) in cases {
        assert_eq!(to_text(markdown), *text, "{markdown}");
    }
}

#[test]
fn marks_go_and_the_text_stays() {
    check(&[
        ("", ""),
        (" \n\n ", ""),
        (
            "**bold** and *soft*, __both__ _ways_ ***all***",
            "bold and soft, both ways all",
        ),
        ("~~gone~~ but ~ 5", "gone but ~ 5"),
        (
            "2 * 3 * 4 and snake_case_name, a*b",
            "2 * 3 * 4 and snake_case_name, a*b",
        ),
        ("**a *b* c**", "a b c"),
        ("**two\nlines**", "two\nlines"),
        ("`let *x* = 1;` and ``a`b``", "let *x* = 1; and a`b"),
        ("\\*not soft\\* \\# 1", "*not soft* # 1"),
        ("AT&amp;T &lt; &euro;5 &#241; &nope;", "AT&T < €5 ñ &nope;"),
        ("#hashtag", "#hashtag"),
        ("año **ñu** €", "año ñu €"),
        ("**open", "**open"),
        ("[open](", "[open]("),
        ("cost[^1]\n\n[1] and [x]", "cost[^1]\n\n[1] and [x]"),
    ]);
}

#[test]
fn blocks_are_divided_by_one_empty_line() {
    check(&[
        ("# Title\n\nText", "Title\n\nText"),
        ("# Title\nText", "Title\n\nText"),
        ("## Closed ##", "Closed"),
        ("Title\n=====\nText", "Title\n\nText"),
        ("a\n\n---\n\nb", "a\n\nb"),
        ("a\n\n\n\n\nb\n\n", "a\n\nb"),
        (
            "> quoted\nlazy\n>> twice\n\nend",
            "quoted\nlazy\n\ntwice\n\nend",
        ),
        ("> quoted\n>> twice", "quoted\n\ntwice"),
        ("soft\nhard  \nback\\\nend \t", "soft\nhard\nback\nend"),
        ("a\r\nb\r\n\r\nc\rd", "a\nb\n\nc\nd"),
        ("a&#10;&#10;&#10;&#32;b\n\n&nbsp;\n\nc", "a\n\nb\n\nc"),
    ]);
}

#[test]
fn lists_keep_their_marks_and_levels() {
    check(&[
        (
            "* one\n* two\n  * three\n* four",
            "- one\n- two\n  - three\n- four",
        ),
        (
            "* one\n+ two\n- three\n  * four",
            "- one\n\n- two\n\n- three\n  - four",
        ),
        ("1. **one**\n2. two", "1. one\n2. two"),
        ("7. a\n7. b\n   - c\n\nd", "7. a\n8. b\n  - c\n\nd"),
        ("999999999. a\n1. b", "999999999. a\n1000000000. b"),
        ("Text:\n- a\n- b\n\nend", "Text:\n\n- a\n- b\n\nend"),
        ("- a\n\n- b\n\n\n- c", "- a\n\n- b\n\n- c"),
        ("- a\n\n  - b\n  - c\n\n- d", "- a\n\n  - b\n  - c\n\n- d"),
        ("- a\n  - b\n\n  - c\n- d", "- a\n  - b\n\n  - c\n- d"),
        ("- a\n  b\nc", "- a\n  b\n  c"),
        ("- a\n  > b\n- c", "- a\n  b\n- c"),
        ("- a\n  ```\n  b\n    c\n  ```\n- d", "- a\n  b\n    c\n- d"),
        ("> - a\n> - b", "- a\n- b"),
        ("- 1. a\n  2. b", "- 1. a\n  2. b"),
        ("- [ ] open\n- [x] done", "- [ ] open\n- [x] done"),
        ("-\n- a\n-\n\nb", "-\n- a\n-\n\nb"),
        ("- <!-- c -->\n- # a", "-\n- a"),
    ]);
}

#[test]
fn links_show_their_address_once() {
    check(&[
        (
            "[site](https://a.example) and ![logo](x.png)",
            "site (https://a.example) and logo",
        ),
        (
            "[https://a.example](https://a.example)",
            "https://a.example",
        ),
        ("[**a**](<b c> \"title\") [d]()", "a (b c) d"),
        (
            "<https://a.example>, <a@b.example>, a < b > c",
            "https://a.example, a@b.example, a < b > c",
        ),
        (
            "[a][x], [x] and [y]\n\n[x]: /b 'T'",
            "a (/b), x (/b) and [y]",
        ),
        ("[![logo](x.png)](/a)", "logo (/a)"),
        ("![a [b](/c) *d*](x.png)", "a b d"),
        ("[`a`](/a(b))", "a (/a(b))"),
    ]);
}

#[test]
fn code_is_as_it_is() {
    check(&[
        (
            "```rust\nlet **x** = 1;\n# no\n\n  <br> &amp;\n```\nend",
            "let **x** = 1;\n# no\n\n  <br> &amp;\n\nend",
        ),
        ("~~~\n  a\n~~~", "  a"),
        ("a\n\n    b\n      c\n\nd", "a\n\nb\n  c\n\nd"),
        ("```\r\na\r\n\r\n\r\nb\r\n```\r\nc", "a\n\nb\n\nc"),
        ("```\nopen\n\n", "open"),
        ("a\n```\n```\nb", "a\n\nb"),
    ]);
}

#[test]
fn rows_are_cells_between_tabs() {
    check(&[
        ("| a | b |\n|---|:-:|\n| **1** | 2 |", "a\tb\n1\t2"),
        ("a | b\n--|--\n1 | `x\\|y`\n\nend", "a\tb\n1\tx|y\n\nend"),
        (
            "|a|b|c|\n|-|-|-|\n||2|\n|||\n|1|&nbsp;|3|\nend",
            "a\tb\tc\n\t2\n1\t\t3\nend",
        ),
        ("|a|\n|-|\n|x<br>y &#10; z|", "a\nx y   z"),
        ("|only|one row|", "|only|one row|"),
    ]);
}

#[test]
fn tags_go_and_their_text_stays() {
    check(&[
        ("a<br>b<BR/>c<br />\nd<br><br>e", "a\nb\nc\nd\n\ne"),
        ("<br>\n\na <b>c</b> <!-- d -->\ne", "a c\ne"),
        (
            "press <kbd>Ctrl</kbd>, <a href=\"/x\n\">here</a>",
            "press Ctrl, here",
        ),
        (
            "<details>\n<summary>Why</summary>\n\nso *it* is\n\n</details>\nend",
            "Why\n\nso it is\n\nend",
        ),
        ("<div\nclass=\"a\">\n\n\n  x &amp; y\n</div>", "x & y"),
        ("<!-- a\n\nb -->\nc", "c"),
        ("- <p>a</p>\n- <p>b\n  c</p>", "- a\n- b\n  c"),
        ("<div>\n# a\n- b\n\t<p>\r<p>c", "# a\n- b\nc"),
        ("<div>\n", ""),
        (
            "<p>a</p><p>b</p> <UL><li>c</li>\n<li>d</li></ul>",
            "a\nb\nc\nd",
        ),
        (
            "Hello <name>, a Vec<String> and <Your/Company>",
            "Hello <name>, a Vec<String> and <Your/Company>",
        ),
        (
            "<name>\n\n<b>Dear</b> <sub\nid='a'>you</sub>",
            "<name>\n\nDear you",
        ),
        ("<div", "<div"),
        ("<pre>\na\n\n    b\n</pre>\nc", "a\nb\n\nc"),
    ]);
}

#[test]
fn more_than_anyone_writes_stays_bounded() {
    check(&[
        (&format!("{}a\nb", "> ".repeat(32)), "a\nb"),
        (&format!("a\n{}- **b**\n", "> 1) * ".repeat(33)), "a\nb"),
        (&"* ".repeat(99), ""),
        (
            &format!("{}a", "12 ".repeat(99)),
            &format!("{}a", "12 ".repeat(99)),
        ),
        (
            "[x] [x] [x] [x]\n\n[x]: /123456789",
            "x (/123456789) x (/123456789) x (/123456789) x (/123456789)",
        ),
    ]);
    let often = to_text(&format!(
        "[x]: /{}\n\n{}",
        "x".repeat(100),
        "[x] ".repeat(100)
    ));
    assert_eq!(often.matches(" (").count(), 20, "{often}");
    assert!(often.ends_with("x x x"));
    let too_long = "*a* ".repeat(LONGEST);
    assert_eq!(to_text(&too_long), too_long);
}

/// Earlier versions of the library panicked at texts like these, or ended before their end.
#[test]
fn known_faults_are_gone() {
    check(&[
        ("- [n]:Z\r\n\t\t\n\nend", "-\n\nend"),
        ("+\t[\0]:d\n\u{b}\n\nend", "-\n\nend"),
        ("> a\n> :b\n\nend", "a\n:b\n\nend"),
    ]);
    let text = "* [ ] ~![=?\\*\x0c\0\0  \r* [  1=1\0\r<!]:[=?\\\r\x0c\n* [ ] \r\x0c%    \n\nend";
    assert!(to_text(text).ends_with("end"));
}

/// Inputs that make careless readers take the square of their length in time, memory or depth.
#[test]
fn bad_texts_are_read_in_time() {
    let repeated = [
        "*a ",
        "[",
        "`",
        "**",
        "_a",
        "~~",
        "![",
        "<",
        "> ",
        ">",
        "- ",
        "[a](",
        "[](",
        "[a](<b",
        "[ (](",
        "|a",
        "|",
        "1. ",
        "\\",
        "&",
        "<!--",
        "!-- <",
        "<a ",
        "<?",
        "<![CDATA[",
        "](",
        "![[]()",
        "*a_b",
        "a**b_c",
        "[a]: ",
        "[^",
        "-\n",
        "- a\n",
        "<div>\n",
        "<p>\r",
        "```\n",
        "&nbsp;",
        "&#10;",
        "\t",
        "\n",
        "\r",
        "\0",
    ];
    let long = repeated.map(|part| part.repeat(200_000 / part.len()));
    let begun = repeated.map(|part| format!("{}a", part.repeat(200_000 / part.len())));
    let columns = 50_000;
    let built = [
        // The cells that a row lacks are added.
        format!(
            "{}\n{}\n{}",
            "|a".repeat(columns),
            "|-".repeat(columns),
            "|\n".repeat(20_000)
        ),
        // Lines without a mark belong to the list above.
        format!("{}a\n{}", "- ".repeat(columns), "a\n".repeat(columns)),
        format!("{}a\n{}", "> ".repeat(columns), "a\n".repeat(columns)),
        stairs(),
        each(600, |depth| format!("{}- a\n", "  ".repeat(depth % 300))),
        // Definitions name each other; one is used often.
        each(5_000, |name| {
            format!("[{}]: /[{name}][{name}]\n[{name}]\n\n", name + 1)
        }),
        format!(
            "[x]: /{}\n\n{}",
            "x".repeat(100_000),
            "[x]\n".repeat(25_000)
        ),
        format!("[{}]({})", "*a".repeat(columns), "(".repeat(columns)),
        each(600, |length| format!("{}a", "`".repeat(length))),
    ];
    for markdown in long.iter().chain(&begun).chain(&built) {
        let start = Instant::now();
        let text = to_text(markdown);
        let name: String = markdown.chars().take(10).collect();
        let took = start.elapsed();
        assert!(
            text.len() <= markdown.len() * 10,
            "{name} to {} bytes",
            text.len()
        );
        assert!(took < Duration::from_secs(10), "{name} took {took:?}");
    }
}

/// Lines that each open as many lists as they may inside those before, then lines inside all of them.
fn stairs() -> String {
    let marks = "- ".repeat(MOST_OPENED);
    let blanks = " ".repeat(marks.len());
    let steps = each(40, |step| format!("{}{marks}a\n", blanks.repeat(step)));
    steps + &"a\n".repeat(25_000)
}

fn each(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect()
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic_or_sprawl(
        markdown in "([\\\\`*_~|><!\\[\\]()#\\-+=:&;/ \n\r\t0a1ñ\u{a0}]|- |\n\n|\n    |```|<br>|<p>|</p>|<!--|-->|\\[a\\]: |\\]\\(|\\|-\\||&#10;){0,60}"
    ) {
        let text = to_text(&markdown);
        proptest::prop_assert!(text.len() / 14 <= markdown.len());
        proptest::prop_assert_eq!(text.trim_end(), &text);
        proptest::prop_assert!(!text.starts_with('\n') && !text.contains("\n\n\n"));
        proptest::prop_assert!(text.lines().all(|line| line.trim_end() == line));
    }

    #[test]
    fn words_without_marks_come_through_in_order(
        paragraphs in proptest::collection::vec("[a-zñé]{1,8}( [a-zñé0-9]{1,8}){0,9}", 0..9),
    ) {
        let text = paragraphs.join("\n\n");
        proptest::prop_assert_eq!(to_text(&text), text);
        let quoted = each(paragraphs.len(), |index| format!("> **{}**\n\n", paragraphs[index]));
        proptest::prop_assert_eq!(to_text(&quoted), paragraphs.join("\n\n"));
        let items = each(paragraphs.len(), |index| format!("- {}\n", paragraphs[index]));
        proptest::prop_assert_eq!(to_text(&items), items.trim_end());
    }
}
