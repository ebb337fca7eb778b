//! Which files there are, from the root of the repository.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// Raised where the trainer makes other weights of the same lines.
pub const VERSION: u32 = 1;

/// A file of the repository.
#[must_use]
pub fn root(path: &str) -> PathBuf {
    let manifest = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let folder = Path::new(&manifest);
    let is_root = folder.join("training").is_dir();
    if is_root {
        folder.join(path)
    } else {
        folder.join("..").join(path)
    }
}

/// The weights.
#[must_use]
pub fn weights() -> PathBuf {
    root("config/intent.bin")
}

/// The batches to learn from, in the order of their names. Each batch has an author of its own.
///
/// # Errors
/// Where the folder cannot be read.
pub fn batches() -> Result<Vec<PathBuf>, String> {
    files_of("training/intent")
}

/// The batches that are for testing only.
///
/// # Errors
/// Where the folder cannot be read.
pub fn held_out() -> Result<Vec<PathBuf>, String> {
    files_of("training/intent/held-out")
}

fn files_of(folder: &str) -> Result<Vec<PathBuf>, String> {
    let folder = root(folder);
    let entries =
        fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<PathBuf> = files
        .filter(|file| file.extension().is_some_and(|end| end == "jsonl"))
        .collect();
    files.sort();
    Ok(files)
}
