//! Golden files: what goes over a wire, as text that a person reviews.
//!
//! They stand in `test/native/snapshots`. After an intended change, `INSTA_UPDATE=always cargo test`
//! rewrites them.

/// Compares `text` with the golden file `name`.
pub(crate) fn assert_golden(name: &str, text: &str) {
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/test/native/snapshots"
    ));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}
