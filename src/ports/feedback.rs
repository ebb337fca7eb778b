//! What people think of answers.

use serde::{Deserialize, Serialize};

use super::{Page, Pending};

/// A verdict on an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Thumbs {
    /// Bad.
    Down,
    /// Good.
    Up,
}

impl Thumbs {
    /// The verdict of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "down" => Some(Self::Down),
            "up" => Some(Self::Up),
            _ => None,
        }
    }
}

/// What somebody thinks of the answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedbackRow {
    /// The request's id.
    pub request: String,
    /// The end user who says so; empty where nobody is named.
    pub user: String,
    /// The id of the API key by which it came.
    pub key: String,
    /// Whether the answer was good.
    pub thumbs: Option<Thumbs>,
    /// How good, 0 to 100.
    pub score: Option<u8>,
    /// Why; empty where nothing is said.
    pub comment: String,
    /// When it was said last, Unix milliseconds.
    pub at: u64,
}

/// Which feedback is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedbackFilter {
    /// Only on this request.
    pub request: Option<String>,
    /// Only with this verdict.
    pub thumbs: Option<Thumbs>,
}

/// Feedback at rest.
pub trait Feedback {
    /// Stores what a user says of a request, in place of what the same user said of it before. `false`
    /// where `most` others have been heard on it already.
    fn store<'a>(&'a self, org: &'a str, row: &'a FeedbackRow, most: u32) -> Pending<'a, bool>;

    /// What was said, by the order of requests and of users; a page goes on after a request's id, a slash
    /// and a user.
    fn list<'a>(
        &'a self,
        org: &'a str,
        filter: &'a FeedbackFilter,
        page: &'a Page,
    ) -> Pending<'a, Vec<FeedbackRow>>;

    /// Removes what a user said, and what was said of the user's requests as far as they are still known.
    fn erase<'a>(&'a self, org: &'a str, user: &'a str) -> Pending<'a, ()>;
}
