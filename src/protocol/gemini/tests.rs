mod answers;
mod bad_input;
mod requests;

use super::*;
use crate::error::Error;
use crate::protocol::ChatRequest;

/// Parses a request with these contents and other fields.
fn request(fields: &str) -> Result<ChatRequest, Error> {
    parse(
        format!("{{{fields}}}").as_bytes(),
        "gemini-2.5-flash",
        false,
    )
}

const USER: &str = r#""contents":[{"role":"user","parts":[{"text":"Hi"}]}]"#;
