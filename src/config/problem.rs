//! What is wrong with a configuration, and where.

use std::fmt;

use super::yaml::Document;

/// One thing wrong in a configuration document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The document, e.g. `config/aliases.json`.
    pub file: &'static str,
    /// The place in it, e.g. `tiers.light[1]`; empty for the whole document.
    pub path: String,
    /// The line in it, from 1, where that is known.
    pub line: Option<usize>,
    /// What is wrong and what is expected.
    pub reason: String,
}

impl Problem {
    /// The same problem with its line in the document.
    #[must_use]
    pub fn on_line_of(self, document: &Document) -> Self {
        let line = Some(document.line(&self.path));
        Self { line, ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.file)?;
        if let Some(line) = self.line {
            write!(formatter, ":{line}")?;
        }
        if !self.path.is_empty() {
            write!(formatter, ": {}", self.path)?;
        }
        write!(formatter, ": {}", self.reason)
    }
}

/// The problems of one document, as they are found.
pub(crate) struct Report {
    file: &'static str,
    problems: Vec<Problem>,
}

impl Report {
    pub(crate) const fn new(file: &'static str) -> Self {
        let problems = Vec::new();
        Self { file, problems }
    }

    pub(crate) const fn file(&self) -> &'static str {
        self.file
    }

    pub(crate) fn extend(&mut self, problems: Vec<Problem>) {
        self.problems.extend(problems);
    }

    pub(crate) fn add(&mut self, path: impl Into<String>, reason: impl Into<String>) {
        self.problems.push(Problem {
            file: self.file,
            path: path.into(),
            line: None,
            reason: reason.into(),
        });
    }

    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }
}
