//! That the results of tools answer the calls of tools: providers refuse a conversation in which a
//! call stays open, or a result answers nothing.

use super::json::Path;
use super::message::{Message, Role};
use crate::error::Error;

/// Tool calls that still need their results.
#[derive(Debug, Default)]
pub(crate) struct OpenCalls {
    all: Vec<String>,
    answered: Vec<String>,
}

impl OpenCalls {
    /// Takes the next message at `path`; `field` is where the wire names the call a result answers.
    ///
    /// # Errors
    /// `InvalidRequest` for a result that answers nothing, and for a call left open.
    pub(crate) fn next(
        &mut self,
        message: &Message,
        path: &Path<'_>,
        field: &str,
    ) -> Result<(), Error> {
        if message.role == Role::Tool {
            let mut results = message.tool_results();
            return results.try_for_each(|result| self.answer(&result.call_id, path, field));
        }
        self.close(path)?;
        self.answered.clear();
        self.all = message.tool_calls().map(|call| call.id.clone()).collect();
        Ok(())
    }

    fn answer(&mut self, id: &str, path: &Path<'_>, field: &str) -> Result<(), Error> {
        if !self.all.iter().any(|known| known == id) {
            let advice = "names no tool call of the assistant message before it. Send that message, with its calls, first.";
            return Err(Path::Field(path, field).error(advice));
        }
        if self.answered.iter().any(|known| known == id) {
            let advice = "names a tool call that has its result already. Send one for each call.";
            return Err(Path::Field(path, field).error(advice));
        }
        self.answered.push(id.to_owned());
        Ok(())
    }

    /// Ends the conversation at `path`.
    ///
    /// # Errors
    /// `InvalidRequest` for a call left open.
    pub(crate) fn close(&self, path: &Path<'_>) -> Result<(), Error> {
        let unanswered = self.all.iter().find(|id| !self.answered.contains(id));
        unanswered.map_or(Ok(()), |id| {
            let shown: String = id.chars().take(64).collect();
            let advice = format!(
                "leaves the tool call \"{shown}\" without a result. Send the result of each tool call right after the assistant's message."
            );
            Err(path.error(&advice))
        })
    }
}
