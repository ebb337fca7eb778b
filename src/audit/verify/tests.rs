//! Chains that somebody changed.

use super::super::GENESIS;
use super::*;

const TEXTS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// The chain of some texts.
fn chain(texts: &[&str]) -> Vec<Sealed> {
    continued((0, GENESIS), texts)
}

/// The chain of some texts after a place.
fn continued((seq, hash): (u64, &str), texts: &[&str]) -> Vec<Sealed> {
    let mut previous = hash.to_owned();
    let seal = |(seq, text): (u64, &&str)| {
        let hash = chain_hash(&previous, text);
        previous.clone_from(&hash);
        Sealed {
            seq,
            record: (*text).to_owned(),
            hash,
        }
    };
    (seq.saturating_add(1)..).zip(texts).map(seal).collect()
}

/// The witness of a record.
fn witness(sealed: &Sealed) -> Witness {
    Witness {
        seq: sealed.seq,
        hash: sealed.hash.clone(),
    }
}

/// Records 3 to 6 with the fourth replaced, and every hash from there on computed anew.
fn rechained() -> Vec<Sealed> {
    let mut records = chain(&TEXTS[..3]);
    let place = (3, records[2].hash.clone());
    records.extend(continued((place.0, &place.1), &["D", "e", "f"]));
    records
}

/// What is found in `records` where the governor knows the end of the untouched chain.
fn find(records: &[Sealed], witnesses: Vec<Witness>) -> Option<(Fault, u64, u64)> {
    let end = witness(&chain(&TEXTS)[5]);
    let mut walk = Walk::new((0, GENESIS.to_owned()), witnesses);
    let taken = records.iter().try_for_each(|sealed| walk.take(sealed));
    let found = taken.and_then(|()| walk.finish(&end)).err()?;
    Some((found.fault, found.seq, found.through))
}

#[test]
fn a_whole_chain_verifies() {
    let records = chain(&TEXTS);
    let (seq, hash) = verify((0, GENESIS.to_owned()), &records).unwrap();
    assert_eq!((seq, &hash), (6, &records[5].hash));
    let witnesses = records.iter().map(witness).collect();
    assert_eq!(find(&records, witnesses), None);
    assert_eq!(
        verify((3, records[2].hash.clone()), &records[3..]),
        Ok((seq, hash))
    );
}

#[test]
fn an_altered_record_is_told_from_an_altered_hash_wherever_it_stands() {
    for (index, seq) in (0..TEXTS.len()).zip(1..) {
        let mut records = chain(&TEXTS);
        records[index].record = "X".to_owned();
        assert_eq!(
            find(&records, Vec::new()),
            Some((Fault::AlteredRecord, seq, seq))
        );
        let mut records = chain(&TEXTS);
        records[index].hash = "0".repeat(64);
        assert_eq!(
            find(&records, Vec::new()),
            Some((Fault::AlteredHash, seq, seq))
        );
    }
}

#[test]
fn a_witness_tells_them_apart_too() {
    let whole = chain(&TEXTS);
    let mut records = whole.clone();
    records[2].record = "X".to_owned();
    let witnesses = vec![witness(&whole[2])];
    assert_eq!(
        find(&records, witnesses.clone()),
        Some((Fault::AlteredRecord, 3, 3))
    );
    let mut records = whole;
    records[2].hash = "0".repeat(64);
    assert_eq!(find(&records, witnesses), Some((Fault::AlteredHash, 3, 3)));
}

#[test]
fn a_record_replaced_along_with_its_own_hash_breaks_the_next() {
    let mut records = chain(&TEXTS);
    records[2].record = "X".to_owned();
    records[2].hash = chain_hash(&records[1].hash, "X");
    let (fault, seq, _) = find(&records, Vec::new()).unwrap();
    assert_eq!((fault, seq), (Fault::AlteredRecord, 4), "unwitnessed");
    let seen = vec![witness(&chain(&TEXTS)[2])];
    assert_eq!(find(&records, seen), Some((Fault::Rechained, 1, 3)));
}

#[test]
fn gaps_repetitions_and_disorder_are_named() {
    let mut records = chain(&TEXTS);
    records.drain(2..4);
    assert_eq!(find(&records, Vec::new()), Some((Fault::Gap, 3, 4)));
    let mut records = chain(&TEXTS);
    records.remove(0);
    assert_eq!(find(&records, Vec::new()), Some((Fault::Gap, 1, 1)));
    let mut records = chain(&TEXTS);
    records.insert(2, records[1].clone());
    assert_eq!(find(&records, Vec::new()), Some((Fault::Gap, 3, 3)));
    let mut records = chain(&TEXTS);
    records.swap(2, 3);
    assert_eq!(find(&records, Vec::new()), Some((Fault::Gap, 3, 3)));
}

#[test]
fn a_rechained_suffix_is_named_as_closely_as_it_was_witnessed() {
    let whole = chain(&TEXTS);
    let records = rechained();
    assert_eq!(
        verify((0, GENESIS.to_owned()), &records).unwrap().0,
        6,
        "consistent in itself"
    );
    let of = |seqs: &[usize]| seqs.iter().map(|seq| witness(&whole[seq - 1])).collect();
    assert_eq!(
        find(&records, Vec::new()),
        Some((Fault::Rechained, 1, 6)),
        "by the object alone"
    );
    assert_eq!(find(&records, of(&[2])), Some((Fault::Rechained, 3, 6)));
    assert_eq!(find(&records, of(&[2, 5])), Some((Fault::Rechained, 3, 5)));
    assert_eq!(
        find(&records, of(&[5, 4, 3])),
        Some((Fault::Rechained, 4, 4)),
        "in any order"
    );
}

#[test]
fn a_rechained_suffix_is_found_though_the_object_was_changed_too() {
    let whole = chain(&TEXTS);
    let records = rechained();
    let mut walk = Walk::new((0, GENESIS.to_owned()), vec![witness(&whole[4])]);
    let taken = records.iter().try_for_each(|sealed| walk.take(sealed));
    let found = taken.and_then(|()| walk.finish(&witness(&records[5])));
    assert_eq!(found.unwrap_err().fault, Fault::Rechained);
}

#[test]
fn a_cut_tail_is_found_by_the_object_and_by_witnesses() {
    let whole = chain(&TEXTS);
    assert_eq!(find(&whole[..4], Vec::new()), Some((Fault::CutTail, 5, 6)));
    assert_eq!(find(&[], Vec::new()), Some((Fault::CutTail, 1, 6)));
    let mut walk = Walk::new((0, GENESIS.to_owned()), vec![witness(&whole[5])]);
    whole[..4]
        .iter()
        .for_each(|sealed| walk.take(sealed).unwrap());
    let cut = walk.finish(&witness(&whole[3])).unwrap_err();
    assert_eq!(
        (cut.fault, cut.seq, cut.through),
        (Fault::CutTail, 5, 6),
        "the object was cut too"
    );
}

#[test]
fn a_walk_goes_on_where_another_stopped() {
    let whole = chain(&TEXTS);
    let witnesses: Vec<Witness> = whole.iter().map(witness).collect();
    let mut walk = Walk::new((3, whole[2].hash.clone()), witnesses);
    whole[3..]
        .iter()
        .for_each(|sealed| walk.take(sealed).unwrap());
    assert_eq!(walk.finish(&witness(&whole[5])), Ok(()));
}
