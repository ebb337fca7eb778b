//! Raw lines to batches: the tier of each operation added, near-duplicates left out, also those of an
//! earlier batch.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::duplicates::Seen;
use crate::set::{Feature, Line};
use crate::tiers::Tiers;
use crate::{files, set};

/// A line as its author wrote it; the tier is said where no line before was of the operation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    text: String,
    lang: String,
    operation: String,
    #[serde(default)]
    tier: Option<String>,
    #[serde(default)]
    features: Vec<Feature>,
}

/// Writes each of `files`, in their order, under its name into `training/intent/`, or into `held-out/` there.
///
/// # Errors
/// One line that says which and why.
pub fn prepare(files: &[String]) -> Result<(), String> {
    let tiers = known_tiers()?;
    let mut seen = Seen::default();
    for file in files.iter().map(Path::new) {
        let place = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let raw = fs::read_to_string(file).map_err(|error| place(&error))?;
        let raw: Vec<&str> = raw.lines().filter(|line| !line.trim().is_empty()).collect();
        let mut batch = String::new();
        let mut kept = 0;
        for line in &raw {
            let line = labelled(line, &tiers).map_err(|error| place(&error))?;
            if seen.is_new(&line.text) {
                let json = serde_json::to_string(&line).map_err(|error| place(&error))?;
                batch.push_str(&json);
                batch.push('\n');
                kept += 1;
            }
        }
        let to = destination(file);
        fs::write(&to, batch).map_err(|error| place(&error))?;
        println!("{}: {kept} of {} lines", to.display(), raw.len());
    }
    Ok(())
}

/// Where the batch of a file goes: what lies in a folder `held-out` is for testing only.
fn destination(file: &Path) -> PathBuf {
    let is_held_out = file.parent().is_some_and(|it| it.ends_with("held-out"));
    let folder = if is_held_out { "held-out" } else { "" };
    let folder = files::root("training/intent").join(folder);
    folder.join(file.file_name().unwrap_or_default())
}

/// Those of the batches that are there.
fn known_tiers() -> Result<Tiers, String> {
    Ok(Tiers::of_lines(&set::read_all(&files::batches()?)?))
}

fn labelled(line: &str, tiers: &Tiers) -> Result<Line, String> {
    let raw: Raw = serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
    let tier = match raw.tier {
        Some(tier) => tier,
        None => tiers.of(&raw.operation)?.to_owned(),
    };
    Ok(Line {
        text: raw.text,
        lang: raw.lang,
        operation: raw.operation,
        tier,
        features: raw.features,
    })
}
