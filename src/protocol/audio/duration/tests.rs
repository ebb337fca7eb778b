#![expect(
    clippy::arithmetic_side_effects,
    reason = "an overflow in a test is a failure of that test"
)]

use proptest::prelude::*;

use super::*;

/// A WAV of `ms` milliseconds at 8 kHz, 16 bit, with a comment before its data.
fn wav(ms: u32, announced: Option<u32>) -> Vec<u8> {
    let bytes = ms * 16;
    let mut file = b"RIFF\0\0\0\0WAVE".to_vec();
    let chunk = |file: &mut Vec<u8>, id: &[u8], size: u32, body: &[u8]| {
        file.extend_from_slice(id);
        file.extend_from_slice(&size.to_le_bytes());
        file.extend_from_slice(body);
    };
    let mut format = Vec::new();
    for half in [1_u16, 1] {
        format.extend_from_slice(&half.to_le_bytes());
    }
    for word in [8_000_u32, 999] {
        format.extend_from_slice(&word.to_le_bytes());
    }
    for half in [2_u16, 16] {
        format.extend_from_slice(&half.to_le_bytes());
    }
    chunk(&mut file, b"fmt ", 16, &format);
    chunk(&mut file, b"LIST", 5, b"INFOx\0");
    let silence = vec![0; usize::try_from(bytes).unwrap()];
    chunk(&mut file, b"data", announced.unwrap_or(bytes), &silence);
    file
}

/// Frames of MPEG-1 layer III at 44.1 kHz, of 128 and 320 kbit/s in turn.
fn mp3(frames: usize) -> Vec<u8> {
    let mut file = b"ID3\x04\0\0\0\0\0\x03abc".to_vec();
    for frame in 0..frames {
        let (head, bytes) = if frame % 2 == 0 {
            ([0xFF, 0xFB, 0x90, 0x00], 417)
        } else {
            ([0xFF, 0xFB, 0xE0, 0x00], 1_044)
        };
        file.extend_from_slice(&head);
        file.extend(vec![0; bytes - 4]);
    }
    file.extend_from_slice(b"TAG and a title");
    file
}

fn ogg(head: &[u8], last: u64) -> Vec<u8> {
    let page = |position: u64, body: &[u8]| {
        let mut page = b"OggS\0\0".to_vec();
        page.extend_from_slice(&position.to_le_bytes());
        page.extend_from_slice(b"\x07\0\0\0\0\0\0\0\0\0\0\0\x01");
        page.push(u8::try_from(body.len()).unwrap());
        page.extend_from_slice(body);
        page
    };
    [
        page(0, head),
        page(last, &[1; 200]),
        page(u64::MAX, &[1; 200]),
    ]
    .concat()
}

#[test]
fn wav_is_counted_by_what_is_there() {
    assert_eq!(measured_ms(&wav(1_500, None)), Some(1_500));
    assert_eq!(measured_ms(&wav(1_500, Some(u32::MAX))), Some(1_500));
    let mut cut = wav(1_000, None);
    cut.truncate(cut.len() - 8_000);
    assert_eq!(measured_ms(&cut), Some(500));
}

#[test]
fn mp3_is_counted_frame_by_frame() {
    // 1,152 samples at 44.1 kHz are 26.1225 ms.
    assert_eq!(measured_ms(&mp3(100)), Some(2_613));
    assert_eq!(measured_ms(&mp3(1)), None);
}

#[test]
fn ogg_flac_and_mp4_tell_their_length() {
    let opus = [b"OpusHead\x01\x01".as_slice(), &312_u16.to_le_bytes()].concat();
    assert_eq!(measured_ms(&ogg(&opus, 48_000 * 3 + 312)), Some(3_000));
    let vorbis = [
        b"\x01vorbis\0\0\0\0\x01".as_slice(),
        &44_100_u32.to_le_bytes(),
    ]
    .concat();
    assert_eq!(measured_ms(&ogg(&vorbis, 44_100 * 2)), Some(2_000));

    let packed = (44_100_u64 << 44) | (44_100 * 5);
    let flac = [
        b"fLaC\0\0\0\x22".as_slice(),
        &[0; 10],
        &packed.to_be_bytes(),
    ]
    .concat();
    assert_eq!(measured_ms(&flac), Some(5_000));

    let boxed = |kind: &[u8], body: &[u8]| {
        let size = u32::try_from(body.len() + 8).unwrap();
        [&size.to_be_bytes(), kind, body].concat()
    };
    let header = |scale: u32, length: u32| {
        [
            [0; 12].as_slice(),
            &scale.to_be_bytes(),
            &length.to_be_bytes(),
        ]
        .concat()
    };
    let file = |length| {
        let movie = boxed(b"moov", &boxed(b"mvhd", &header(1_000, length)));
        [boxed(b"ftyp", b"M4A "), boxed(b"mdat", &[0; 64]), movie].concat()
    };
    assert_eq!(measured_ms(&file(7_500)), Some(7_500));
    assert_eq!(measured_ms(&file(0)), None);
}

#[test]
fn a_file_cannot_say_that_it_is_shorter_than_any_codec_makes_it() {
    let packed = (192_000_u64 << 44) | 1;
    let mut flac = [
        b"fLaC\0\0\0\x22".as_slice(),
        &[0; 10],
        &packed.to_be_bytes(),
    ]
    .concat();
    flac.extend(vec![0; 2_400_000]);
    assert_eq!(measured_ms(&flac), Some(2_001));
}

#[test]
fn an_unknown_format_is_taken_at_its_longest() {
    assert_eq!(measured_ms(b"hello"), None);
    assert_eq!(most_ms(&[0; 7_500]), 10_000);
    assert_eq!(most_ms(&[]), 0);
    assert_eq!(most_ms(&wav(200, None)), 200);
}

proptest! {
    #[test]
    fn any_bytes_are_survived(
        magic in prop::sample::select(vec![
            &b""[..], b"RIFF\0\0\0\0WAVEfmt ", b"ID3\x04", b"\xFF\xFB\x90\0", b"OggS", b"fLaC", b"\0\0\0\x08ftyp",
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let _ = most_ms(&[magic, &rest].concat());
    }
}
