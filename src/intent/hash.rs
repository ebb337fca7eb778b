//! Features to numbers. Weights are of numbers, so a change here needs them trained anew.

/// Features are told apart by so many bits.
pub const BITS: u32 = 18;

const BASIS: u32 = 0x811c_9dc5;
const PRIME: u32 = 0x0100_0193;
const GOLDEN: u32 = 0x9e37_79b1;

/// FNV-1a over letters, with the high bits mixed in.
pub(super) fn letters(letters: &[char]) -> u32 {
    letters.iter().fold(BASIS, |hash, &letter| {
        let hash = (hash ^ u32::from(letter)).wrapping_mul(PRIME);
        hash ^ (hash >> 15)
    })
}

/// Two hashes in their order.
pub(super) const fn pair(first: u32, second: u32) -> u32 {
    (first ^ second.rotate_left(7)).wrapping_mul(GOLDEN) ^ GOLDEN
}

/// The number of a feature, below 2 to the power of [`BITS`]: the last step of `MurmurHash3`.
pub(super) const fn number(hash: u32) -> u32 {
    let hash = (hash ^ (hash >> 16)).wrapping_mul(0x7feb_352d);
    let hash = (hash ^ (hash >> 15)).wrapping_mul(0x846c_a68b);
    (hash ^ (hash >> 16)) & ((1 << BITS) - 1)
}
