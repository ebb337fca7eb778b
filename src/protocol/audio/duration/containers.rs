//! WAV, OGG, FLAC and MP4.

use super::{Bytes, per};

/// Chunks, pages or boxes of a file that are looked at.
const MOST_STEPS: usize = 100_000;

/// The length of a WAV: the bytes that are there, at the rate of its format.
/// <https://learn.microsoft.com/windows/win32/multimedia/waveform-audio-file-format>
pub(super) fn wav_ms(sound: &[u8]) -> Option<u64> {
    let sound = Bytes(sound);
    if !sound.starts_with(b"RIFF") || sound.array(8)? != *b"WAVE" {
        return None;
    }
    let mut rest = sound.from(12);
    let mut rate = None;
    for _ in 0..MOST_STEPS {
        let (id, size) = (rest.array::<4>(0)?, usize::try_from(rest.u32_le(4)?).ok()?);
        let body = rest.from(8);
        match &id {
            b"fmt " => rate = bytes_per_second(body),
            // A recorder that streams announces more than there is.
            b"data" => {
                let there = u64::try_from(size.min(body.0.len())).ok()?;
                return per(there, rate?);
            }
            _ => {}
        }
        // Chunks are padded to an even length.
        rest = body.from(size.saturating_add(size & 1));
    }
    None
}

fn bytes_per_second(format: Bytes<'_>) -> Option<u64> {
    const PCM: u64 = 1;
    const FLOAT: u64 = 3;
    let (kind, channels) = (format.u16_le(0)?, format.u16_le(2)?);
    let (samples, told, bits) = (format.u32_le(4)?, format.u32_le(8)?, format.u16_le(14)?);
    let counted = samples.saturating_mul(channels).saturating_mul(bits) / 8;
    Some(if matches!(kind, PCM | FLOAT) {
        counted
    } else {
        told
    })
}

/// The length that a file of another format tells.
pub(super) fn told_ms(sound: &[u8]) -> Option<u64> {
    let sound = Bytes(sound);
    ogg_ms(sound)
        .or_else(|| flac_ms(sound))
        .or_else(|| mp4_ms(sound))
}

/// The last position of the first stream. <https://www.rfc-editor.org/rfc/rfc3533>
fn ogg_ms(sound: Bytes<'_>) -> Option<u64> {
    let stream = sound.array::<4>(14);
    let head = sound.from(page_head(sound)?);
    let (rate, skipped) = if head.starts_with(b"OpusHead") {
        (48_000, head.u16_le(10)?)
    } else if head.starts_with(b"\x01vorbis") {
        (head.u32_le(12)?, 0)
    } else if head.starts_with(b"Speex   ") {
        (head.u32_le(36)?, 0)
    } else {
        return None;
    };
    let mut page = sound;
    let mut last = 0;
    for _ in 0..MOST_STEPS {
        let Some(head) = page_head(page) else { break };
        let position = u64::from_le_bytes(page.array(6)?);
        // -1: no packet ends on this page.
        if page.array(14) == stream && position != u64::MAX {
            last = last.max(position);
        }
        let table = page.0.get(27..head)?;
        let body = table
            .iter()
            .map(|length| usize::from(*length))
            .sum::<usize>();
        page = page.from(head.saturating_add(body));
    }
    per(last.saturating_sub(skipped), rate)
}

/// Bytes of the header of the page that begins here.
fn page_head(page: Bytes<'_>) -> Option<usize> {
    let segments = page.byte(26).filter(|_| page.starts_with(b"OggS"))?;
    Some(usize::from(segments).saturating_add(27))
}

/// <https://www.rfc-editor.org/rfc/rfc9639#name-streaminfo>
fn flac_ms(sound: Bytes<'_>) -> Option<u64> {
    if !sound.starts_with(b"fLaC") {
        return None;
    }
    let packed = sound.u64_be(18)?;
    let (rate, samples) = (packed >> 44, packed & 0xF_FFFF_FFFF);
    // 0 samples: unknown.
    per(samples, rate).filter(|ms| *ms > 0)
}

/// The movie header of MP4 and M4A. <https://developer.apple.com/documentation/quicktime-file-format/movie_header_atom>
fn mp4_ms(sound: Bytes<'_>) -> Option<u64> {
    if sound.array::<4>(4)? != *b"ftyp" {
        return None;
    }
    let header = find_box(find_box(sound, *b"moov")?, *b"mvhd")?;
    let (scale, duration) = match header.byte(0)? {
        0 => (header.u32_be(12)?, header.u32_be(16)?),
        _ => (header.u32_be(20)?, header.u64_be(24)?),
    };
    // 0: the file is in fragments.
    per(duration, scale).filter(|ms| *ms > 0)
}

/// What is in the first box of a type.
fn find_box(mut rest: Bytes<'_>, wanted: [u8; 4]) -> Option<Bytes<'_>> {
    for _ in 0..MOST_STEPS {
        let kind = rest.array::<4>(4)?;
        let (head, size) = match rest.u32_be(0)? {
            0 => (8, rest.0.len()),
            1 => (16, usize::try_from(rest.u64_be(8)?).ok()?),
            size => (8, usize::try_from(size).ok()?),
        };
        if size < head {
            return None;
        }
        if kind == wanted {
            let end = size.min(rest.0.len());
            return rest.0.get(head..end).map(Bytes);
        }
        rest = rest.from(size);
    }
    None
}
