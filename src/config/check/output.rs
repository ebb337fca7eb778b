//! Whether what an operation makes of prompts and answers can be done.

use std::collections::BTreeSet;

use crate::config::catalog::{ModelKind, Operation};
use crate::config::output::{Output, Trim};
use crate::config::problem::Report;

const LONGEST_POINTER: usize = 256;

/// Reports what does not fit.
pub(super) fn check(name: &str, operation: &Operation, report: &mut Report) {
    let at = |field: &str| format!("operations.{name}.{field}");
    if operation.tier.kind() != ModelKind::Chat {
        let named = [
            ("input_tokens", operation.input_tokens.is_some()),
            ("trim", !operation.trim.is_empty()),
            ("output", operation.output.is_some()),
            ("guard", operation.guard.is_some()),
        ];
        for (field, _) in named.into_iter().filter(|(_, present)| *present) {
            let reason = format!(
                "the tier {} has no conversations: leave it out",
                operation.tier
            );
            report.add(at(field), reason);
        }
    }
    if operation.input_tokens == Some(0) {
        report.add(at("input_tokens"), "expected at least 1 token");
    }
    let once: BTreeSet<&Trim> = operation.trim.iter().collect();
    if once.len() < operation.trim.len() {
        report.add(at("trim"), "names something twice");
    }
    if operation.rag.is_none() && operation.trim.contains(&Trim::Passages) {
        report.add(
            at("trim"),
            "without `rag` there are no passages to leave out",
        );
    }
    if let Some(output) = &operation.output {
        check_transforms(output, &at("output"), report);
    }
}

fn check_transforms(output: &Output, at: &str, report: &mut Report) {
    let nothing = !output.is_json() && output.text.is_none();
    if nothing {
        report.add(at, "expected `schema`, `extract` or `text`");
    } else if output.repair && !output.is_json() {
        let reason = "nothing can be wrong without `schema` or `extract`: leave it out";
        report.add(format!("{at}.repair"), reason);
    }
    let sane = |pointer: &String| pointer.starts_with('/') && pointer.len() <= LONGEST_POINTER;
    if output
        .extract
        .as_ref()
        .is_some_and(|pointer| !sane(pointer))
    {
        let reason =
            format!("expected a JSON pointer of at most {LONGEST_POINTER} bytes, such as /answer");
        report.add(format!("{at}.extract"), reason);
    }
}
