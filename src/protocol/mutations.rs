//! Requests with a few bytes changed, and cut short, for properties of the parsers.

use proptest::sample::Index;

/// A request with `edits` made, whole and cut.
pub(crate) fn mutated(seed: &str, edits: &[(Index, u8)], cut: Index) -> [Vec<u8>; 2] {
    let mut body = seed.as_bytes().to_vec();
    for (at, byte) in edits {
        let at = at.index(body.len());
        body[at] = *byte;
    }
    let head = body[..cut.index(body.len())].to_vec();
    [body, head]
}
