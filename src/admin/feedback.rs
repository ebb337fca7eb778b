//! What people think of answers.

use super::Asked;
use super::page::{page, paged};
use crate::error::Error;
use crate::http::Reply;
use crate::ports::{FeedbackFilter, Thumbs};

/// `?request=…` and `?thumbs=up|down`: what was said, the oldest requests first.
pub(super) async fn list(asked: Asked<'_>) -> Result<Reply, Error> {
    let (page, [request, thumbs]) = page(asked.incoming.query(), ["request", "thumbs"])?;
    let verdict = |word: String| {
        let unknown = || Error::invalid("thumbs", "`thumbs` is `up` or `down`.");
        Thumbs::parse(&word).ok_or_else(unknown)
    };
    let filter = FeedbackFilter {
        request,
        thumbs: thumbs.map(verdict).transpose()?,
    };
    let rows = asked.ports.feedback.list(asked.org, &filter, &page).await?;
    Ok(paged(rows, &page, |row| {
        format!("{}/{}", row.request, row.user)
    }))
}
