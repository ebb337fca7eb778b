//! Files of the archive, and what goes into them.

use super::*;

fn sealed(seq: u64, at: u64) -> Sealed {
    Sealed {
        seq,
        record: format!("{{\"seq\":{seq},\"recorded_at\":{at}}}"),
        hash: format!("{seq:064}"),
    }
}

#[test]
fn a_file_gives_back_what_was_put_into_it() {
    let records: Vec<Sealed> = (1..=100).map(|seq| sealed(seq, seq)).collect();
    let bytes = pack(&records).unwrap();
    assert!(bytes.len() < 2_000, "{} bytes", bytes.len());
    assert_eq!(unpack(&bytes), Some(records));
}

#[test]
fn what_is_cut_or_altered_is_no_file() {
    let bytes = pack(&[sealed(1, 1), sealed(2, 2)]).unwrap();
    let cut = bytes.get(..bytes.len() - 5).unwrap();
    assert_eq!(unpack(cut), None);
    let mut altered = bytes;
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    assert_eq!(unpack(&altered), None);
    assert_eq!(unpack(b""), None);
}

#[test]
fn names_tell_the_span_and_sort_by_the_last_record() {
    let span = |first, last| Span {
        first,
        last,
        until: 1_700_000_000_000,
    };
    let name = span(1, 2_000).name("acme");
    assert_eq!(Span::parse("acme", &name), Some(span(1, 2_000)));
    assert_eq!(Span::parse("bolt", &name), None);
    assert!(name < span(2_001, 10_000).name("acme"));
}

#[test]
fn only_old_records_that_follow_one_another_are_moved() {
    let seqs = |records: &[Sealed]| old(records, 10).unwrap().len();
    assert_eq!(seqs(&[sealed(5, 1), sealed(6, 9), sealed(7, 10)]), 2);
    assert_eq!(seqs(&[sealed(5, 1), sealed(7, 2)]), 1);
    assert_eq!(seqs(&[sealed(5, 10)]), 0);
    let altered = Sealed {
        record: "x".to_owned(),
        ..sealed(6, 1)
    };
    assert!(old(&[sealed(5, 1), altered], 10).is_err());
}
