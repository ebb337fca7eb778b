//! Bytes as a network may bring them.

/// Cuts bytes into chunks of 1 to 128. Where, the bytes themselves decide, so that a corpus holds
/// nothing but what goes over a wire; `salt` gives another splitting.
pub(crate) fn split(bytes: &[u8], salt: u64) -> Vec<&[u8]> {
    let mut state = bytes.iter().fold(salt, |state, byte| {
        (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut rest = bytes;
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let most = 1_usize << (state >> 61);
        let size = usize::try_from((state >> 40) & 0xFF).map_or(1, |size| (size & (most - 1)) + 1);
        let (chunk, more) = rest.split_at(size.min(rest.len()));
        chunks.push(chunk);
        rest = more;
    }
    chunks
}
