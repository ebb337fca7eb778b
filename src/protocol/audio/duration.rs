//! How long a sound is, by the headers of its file: what a transcription may cost at most.
//!
//! WAV and MP3 are counted, so that their figure can be trusted; OGG, FLAC and MP4 say it themselves.

mod containers;
mod mp3;

/// The least bytes a second of sound takes in any format that is taken: Opus at 6 kbit/s.
const LEAST_BYTES_PER_SECOND: u64 = 750;
/// The most bytes a second of compressed sound takes: lossless, 24 bit at 192 kHz in stereo. A file
/// that says it is shorter does not tell the truth.
const MOST_BYTES_PER_SECOND: u64 = 1_200_000;

/// The length of a sound in milliseconds, where its format is known.
#[must_use]
pub fn measured_ms(sound: &[u8]) -> Option<u64> {
    let counted = containers::wav_ms(sound).or_else(|| mp3::ms(sound));
    counted.or_else(|| {
        let told = containers::told_ms(sound)?;
        Some(told.max(at_rate(sound, MOST_BYTES_PER_SECOND)))
    })
}

/// The length that a sound has at most, in milliseconds.
#[must_use]
pub fn most_ms(sound: &[u8]) -> u64 {
    measured_ms(sound).unwrap_or_else(|| at_rate(sound, LEAST_BYTES_PER_SECOND))
}

fn at_rate(sound: &[u8], bytes_per_second: u64) -> u64 {
    let bytes = u64::try_from(sound.len()).unwrap_or(u64::MAX);
    per(bytes, bytes_per_second).unwrap_or(u64::MAX)
}

/// Milliseconds of `units` at so many a second, rounded up.
fn per(units: u64, per_second: u64) -> Option<u64> {
    let scaled = units.saturating_mul(1_000);
    (per_second > 0).then(|| scaled.div_ceil(per_second))
}

/// Integers in a file, by their place.
#[derive(Clone, Copy)]
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn starts_with(self, magic: &[u8]) -> bool {
        self.0.starts_with(magic)
    }

    fn from(self, at: usize) -> Bytes<'a> {
        Bytes(self.0.get(at..).unwrap_or_default())
    }

    fn array<const N: usize>(self, at: usize) -> Option<[u8; N]> {
        self.from(at).0.first_chunk().copied()
    }

    fn byte(self, at: usize) -> Option<u8> {
        self.0.get(at).copied()
    }

    fn u16_le(self, at: usize) -> Option<u64> {
        Some(u64::from(u16::from_le_bytes(self.array(at)?)))
    }

    fn u32_le(self, at: usize) -> Option<u64> {
        Some(u64::from(u32::from_le_bytes(self.array(at)?)))
    }

    fn u32_be(self, at: usize) -> Option<u64> {
        Some(u64::from(u32::from_be_bytes(self.array(at)?)))
    }

    fn u64_be(self, at: usize) -> Option<u64> {
        Some(u64::from_be_bytes(self.array(at)?))
    }
}

#[cfg(test)]
mod tests;
