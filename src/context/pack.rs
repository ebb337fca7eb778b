//! Passages into the room that a prompt has for them.

use super::prompt;
use super::rank::Ranked;

/// The passages that fit into `bytes` of prompt, in their order; what is too long is passed over for
/// a shorter one after it. If not even one fits, the best one is cut to fit. UTF-8 bytes bound the
/// tokens, so that a budget in tokens may be given as bytes.
#[must_use]
pub fn pack(passages: Vec<Ranked>, bytes: usize) -> Vec<Ranked> {
    let best = passages.first().cloned();
    let mut left = bytes;
    let fitting = passages.into_iter().filter(|ranked| {
        let after = left.checked_sub(prompt::size(&ranked.passage));
        left = after.unwrap_or(left);
        after.is_some()
    });
    let packed: Vec<Ranked> = fitting.collect();
    if packed.is_empty() {
        best.and_then(|ranked| shortened(ranked, bytes))
            .into_iter()
            .collect()
    } else {
        packed
    }
}

fn shortened(mut ranked: Ranked, bytes: usize) -> Option<Ranked> {
    let excess = prompt::size(&ranked.passage).saturating_sub(bytes);
    let text = &mut ranked.passage.text;
    let mut end = text.len().checked_sub(excess)?;
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.truncate(end);
    (!text.trim().is_empty()).then_some(ranked)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ports::Passage;

    fn ranked(text: &str) -> Ranked {
        let passage = Passage {
            id: "id".to_owned(),
            document: "document".to_owned(),
            title: "Title".to_owned(),
            uri: String::new(),
            ordinal: 0,
            text: text.to_owned(),
        };
        Ranked {
            passage,
            score: 0.5,
        }
    }

    fn total(passages: &[Ranked]) -> usize {
        let sizes = passages.iter().map(|ranked| prompt::size(&ranked.passage));
        sizes.sum()
    }

    #[test]
    fn a_passage_too_long_makes_room_for_a_shorter_one() {
        let passages = vec![ranked("a"), ranked(&"b".repeat(500)), ranked("c")];
        let room = total(&[ranked("a"), ranked("c")]);
        let packed = pack(passages, room);
        let texts: Vec<&str> = packed
            .iter()
            .map(|ranked| ranked.passage.text.as_str())
            .collect();
        assert_eq!(texts, ["a", "c"]);
    }

    #[test]
    fn the_best_is_cut_where_nothing_fits() {
        let packed = pack(vec![ranked(&"é".repeat(400))], 300);
        assert!((290..=300).contains(&total(&packed)), "{}", total(&packed));
        assert!(pack(vec![ranked("text")], 3).is_empty());
        assert!(pack(Vec::new(), 1_000).is_empty());
    }

    proptest! {
        #[test]
        fn the_room_is_never_exceeded(
            texts in proptest::collection::vec("\\PC{0,80}", 0..6),
            bytes in 0_usize..600,
        ) {
            let passages: Vec<Ranked> = texts.iter().map(|text| ranked(text)).collect();
            prop_assert!(total(&pack(passages, bytes)) <= bytes);
        }
    }
}
