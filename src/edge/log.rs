//! Failures for the operator: the Worker's log.

use worker::console_error;

use crate::ports::Log;

/// `console.error`.
pub(super) struct ConsoleLog;

impl Log for ConsoleLog {
    fn error(&self, line: &str) {
        console_error!("{line}");
    }
}
