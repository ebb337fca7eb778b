//! Which files there are, from the root of the repository.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// Raised where the trainer makes other weights of the same lines.
pub const VERSION: u32 = 1;

/// The batch that is for testing only. Each batch has an author of its own.
pub const HELD_OUT: &str = "batch-5.jsonl";

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

/// The batch that is for testing only.
#[must_use]
pub fn held_out() -> PathBuf {
    root("training/intent").join(HELD_OUT)
}

/// The batches to learn from, in the order of their names.
///
/// # Errors
/// Where the folder cannot be read.
pub fn batches() -> Result<Vec<PathBuf>, String> {
    let folder = root("training/intent");
    let entries =
        fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut batches: Vec<PathBuf> = files
        .filter(|file| file.extension().is_some_and(|end| end == "jsonl"))
        .filter(|file| file.file_name().is_some_and(|name| name != HELD_OUT))
        .collect();
    batches.sort();
    Ok(batches)
}
