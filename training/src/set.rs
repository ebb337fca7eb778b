//! The labelled set: files of `training/intent/`, a text a line.

use std::fs;
use std::path::{Path, PathBuf};

use crate::intent::{Signs, features};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A text and what it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The last turn of a user.
    pub text: String,
    /// `en`, `es` or `pt`.
    pub lang: String,
    /// The operation's name.
    pub operation: String,
    /// The operation's tier.
    pub tier: String,
    /// What the request carries besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<Feature>,
}

/// Something that a request carries besides its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// Sound.
    Audio,
    /// A picture.
    Image,
    /// A schema for the answer.
    Schema,
    /// Tools.
    Tools,
}

impl Line {
    /// What the request carries besides its text.
    #[must_use]
    pub fn signs(&self) -> Signs {
        let has = |feature| self.features.contains(&feature);
        Signs {
            tools: has(Feature::Tools),
            image: has(Feature::Image),
            audio: has(Feature::Audio),
            schema: has(Feature::Schema),
        }
    }
}

/// Reads a file of lines.
///
/// # Errors
/// One line that says which and why.
pub fn read(file: &Path) -> Result<Vec<Line>, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let lines = text.lines().zip(1..);
    let lines = lines.filter(|(line, _)| !line.trim().is_empty());
    lines
        .map(|(line, number)| {
            let parsed = serde_json::from_str(line);
            parsed.map_err(|error| format!("{}:{number}: {error}", file.display()))
        })
        .collect()
}

/// Reads files of lines, one after the other.
///
/// # Errors
/// Those of [`read`].
pub fn read_all(files: &[PathBuf]) -> Result<Vec<Line>, String> {
    let batches: Result<Vec<_>, _> = files.iter().map(|file| read(file)).collect();
    Ok(batches?.concat())
}

/// A digest of everything that training sees: each line's label and features. So it changes with the
/// lines and with the code that reads features, and not with how either is written.
#[must_use]
pub fn digest(version: u32, lines: &[Line]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(version.to_le_bytes());
    for line in lines {
        hasher.update(line.operation.as_bytes());
        features::each(&line.text, line.signs(), &mut |group, feature| {
            hasher.update([group as u8]);
            hasher.update(feature.to_le_bytes());
        });
        hasher.update([u8::MAX]);
    }
    hasher.finalize().into()
}
