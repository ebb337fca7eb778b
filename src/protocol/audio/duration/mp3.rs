//! MP3: every frame is counted, since bit rates vary. <http://www.mp3-tech.org/programmer/frame_header.html>

use super::{Bytes, per};

/// Bytes without a frame after which a file is none.
const MOST_NOISE: usize = 4_096;
/// Bit rates in kbit/s, by version and layer: MPEG-1 layers II and III, MPEG-2 both.
const RATES_1_II: [u64; 14] = [
    32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384,
];
const RATES_1_III: [u64; 14] = [
    32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
];
const RATES_2: [u64; 14] = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];

/// The length of all frames together.
pub(super) fn ms(sound: &[u8]) -> Option<u64> {
    let mut rest = after_tag(Bytes(sound))?;
    let mut microseconds = 0_u64;
    let mut frames = 0_usize;
    let mut noise = 0_usize;
    while rest.0.len() >= 4 {
        if let Some(frame) = Frame::read(rest) {
            microseconds = microseconds.saturating_add(frame.microseconds);
            frames = frames.saturating_add(1);
            noise = 0;
            rest = rest.from(frame.bytes);
            continue;
        }
        // What is no frame: a tag at the end, or noise between.
        noise = noise.saturating_add(1);
        rest = rest.from(1);
        if noise > MOST_NOISE {
            break;
        }
    }
    // Any four bytes may look like one frame.
    (frames >= 2).then(|| microseconds.div_ceil(1_000))
}

/// What follows an `ID3v2` tag; `None` where the file begins with neither a tag nor a frame.
fn after_tag(sound: Bytes<'_>) -> Option<Bytes<'_>> {
    if !sound.starts_with(b"ID3") {
        return Frame::read(sound).map(|_| sound);
    }
    let sizes: [u8; 4] = sound.array(6)?;
    let size = sizes
        .iter()
        .fold(0_usize, |size, byte| (size << 7) | usize::from(byte & 0x7F));
    let footer = if sound.byte(5)? & 0x10 == 0 { 0 } else { 10 };
    Some(sound.from(size.saturating_add(10).saturating_add(footer)))
}

struct Frame {
    bytes: usize,
    microseconds: u64,
}

impl Frame {
    fn read(at: Bytes<'_>) -> Option<Self> {
        let header = at.u32_be(0)?;
        let bits = |shift: u32, mask: u64| (header >> shift) & mask;
        if bits(21, 0x7FF) != 0x7FF {
            return None;
        }
        let (version, layer) = (bits(19, 3), bits(17, 3));
        let index = usize::try_from(bits(12, 15)).ok()?.checked_sub(1)?;
        let first_version = version == 3;
        let rates = match (first_version, layer) {
            (true, 2) => &RATES_1_II,
            (true, 1) => &RATES_1_III,
            (false, 1 | 2) if version != 1 => &RATES_2,
            _ => return None,
        };
        let rate = rates.get(index)?.saturating_mul(1_000);
        let base = [44_100_u64, 48_000, 32_000];
        let base = base.get(usize::try_from(bits(10, 3)).ok()?)?;
        let halvings = match version {
            3 => 0,
            2 => 1,
            _ => 2,
        };
        let sampling = base >> halvings;
        let samples: u64 = if layer == 1 && !first_version {
            576
        } else {
            1_152
        };
        let bytes = (samples / 8).saturating_mul(rate).checked_div(sampling)?;
        let bytes = bytes.saturating_add(bits(9, 1));
        Some(Self {
            bytes: usize::try_from(bytes).ok().filter(|bytes| *bytes > 4)?,
            microseconds: per(samples.saturating_mul(1_000), sampling)?,
        })
    }
}
