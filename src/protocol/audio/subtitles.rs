//! Timed text: SRT (<https://en.wikipedia.org/wiki/SubRip>) and `WebVTT`
//! (<https://www.w3.org/TR/webvtt1/>).

use std::fmt::Write;

/// A text with its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cue {
    /// When it begins, in milliseconds.
    pub start: u64,
    /// When it ends.
    pub end: u64,
    /// What is said.
    pub text: String,
}

/// Cues as SRT: numbered, with a comma before the milliseconds.
#[must_use]
pub fn srt(cues: &[Cue]) -> String {
    let mut out = String::new();
    for (number, cue) in (1..).zip(cues) {
        let (start, end) = (time(cue.start, ','), time(cue.end.max(cue.start), ','));
        // The format has no escapes: an arrow in the text would be taken for a time.
        let text = one_line(&cue.text).replace("-->", "->");
        // Writing to a string cannot fail.
        let _ = write!(out, "{number}\n{start} --> {end}\n{text}\n\n");
    }
    out
}

/// Cues as `WebVTT`: with a point before the milliseconds and markup escaped.
#[must_use]
pub fn vtt(cues: &[Cue]) -> String {
    let mut out = String::from("WEBVTT\n\n");
    for cue in cues {
        let (start, end) = (time(cue.start, '.'), time(cue.end.max(cue.start), '.'));
        let text = one_line(&cue.text)
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        let _ = write!(out, "{start} --> {end}\n{text}\n\n");
    }
    out
}

/// `01:02:03,004`; hours have two digits or more.
fn time(milliseconds: u64, separator: char) -> String {
    let (seconds, ms) = (milliseconds / 1_000, milliseconds % 1_000);
    let (minutes, s) = (seconds / 60, seconds % 60);
    let (h, m) = (minutes / 60, minutes % 60);
    format!("{h:02}:{m:02}:{s:02}{separator}{ms:03}")
}

/// A blank line would end the cue.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cue(start: u64, end: u64, text: &str) -> Cue {
        Cue {
            start,
            end,
            text: text.to_owned(),
        }
    }

    #[test]
    fn times_carry_into_hours() {
        let cues = [cue(999, 3_600_000, "a"), cue(360_059_001, 360_059_000, "b")];
        assert_eq!(
            srt(&cues),
            "1\n00:00:00,999 --> 01:00:00,000\na\n\n2\n100:00:59,001 --> 100:00:59,001\nb\n\n"
        );
        assert_eq!(
            vtt(&cues),
            "WEBVTT\n\n00:00:00.999 --> 01:00:00.000\na\n\n100:00:59.001 --> 100:00:59.001\nb\n\n"
        );
    }

    #[test]
    fn text_cannot_break_out_of_its_cue() {
        let cues = [cue(0, 1, " x\n\n2\r\n00:00 --> 1 <b>&amp; ")];
        assert_eq!(
            srt(&cues),
            "1\n00:00:00,000 --> 00:00:00,001\nx 2 00:00 -> 1 <b>&amp;\n\n"
        );
        assert_eq!(
            vtt(&cues),
            "WEBVTT\n\n00:00:00.000 --> 00:00:00.001\nx 2 00:00 --&gt; 1 &lt;b&gt;&amp;amp;\n\n"
        );
    }

    #[test]
    fn nothing_said_is_valid_too() {
        assert_eq!(srt(&[]), "");
        assert_eq!(vtt(&[]), "WEBVTT\n\n");
    }
}
