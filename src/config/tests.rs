use super::*;

#[test]
fn the_real_files_parse() {
    let catalogue = parse(&EMBEDDED).unwrap();
    assert_eq!(catalogue.operations.len(), 17);
    assert_eq!(catalogue.default_operation, "chat");
}
