//! The fuzz targets on the stable toolchain: each is fed its corpus.
#![cfg(test)]
#![expect(
    clippy::arithmetic_side_effects,
    reason = "an overflow in a test is a failure of that test"
)]

#[path = "../../fuzz/src/lib.rs"]
pub mod fuzz;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The largest file of a corpus, in bytes.
const LARGEST: usize = 4_096;
/// The most files of a corpus.
const MOST: usize = 40;

#[test]
fn every_corpus_keeps_every_promise() {
    for (name, target) in fuzz::TARGETS {
        let files = files(&Path::new("fuzz/corpus").join(name));
        assert!(
            (1..=MOST).contains(&files.len()),
            "{name} has {} files",
            files.len()
        );
        for file in files {
            let bytes = fs::read(&file).unwrap();
            assert!(bytes.len() <= LARGEST, "{} is too large", file.display());
            // Says which file it was, should the target panic.
            println!("{}", file.display());
            target(&bytes);
        }
    }
}

#[test]
fn every_target_can_be_fuzzed() {
    let manifest = fs::read_to_string("fuzz/Cargo.toml").unwrap();
    let declared = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("path = \"targets/"));
    let declared: BTreeSet<&str> = declared
        .filter_map(|line| line.strip_suffix(".rs\""))
        .collect();
    let known: BTreeSet<&str> = fuzz::TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(declared, known);
    for name in known {
        let file = fs::read_to_string(format!("fuzz/targets/{name}.rs")).unwrap();
        assert!(
            file.contains(&format!("feed(\"{name}\"")),
            "{name} feeds another"
        );
        fuzz::feed(name, b"");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}
