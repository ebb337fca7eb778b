use super::{Format, Unfetched};

#[test]
fn a_form_is_named_and_shown() {
    let files: [(&str, &[u8]); 5] = [
        ("image/png", b"\x89PNG\r\n\x1a\nrest"),
        ("image/jpeg", b"\xff\xd8\xff\xe0rest"),
        ("image/gif", b"GIF89arest"),
        ("image/gif", b"GIF87arest"),
        ("image/webp", b"RIFF\x01\x02\x03\x04WEBPVP8 "),
    ];
    for (media_type, file) in files {
        let format = Format::named(&format!(" {}; q=1", media_type.to_uppercase())).unwrap();
        assert_eq!(format.media_type(), media_type);
        assert!(format.begins(file), "{media_type}");
        assert!(!format.begins(b"<html>"), "{media_type}");
        assert!(!format.begins(b""), "{media_type}");
    }
    for other in ["", "image/svg+xml", "image/", "text/html", "image/pngx"] {
        assert_eq!(Format::named(other), None, "{other}");
    }
}

#[test]
fn a_failure_names_the_field() {
    let error = Unfetched::TooLarge.at("messages[0].content[1].image_url.url");
    assert_eq!(error.status(), 400);
    assert_eq!(
        error.param.as_deref(),
        Some("messages[0].content[1].image_url.url")
    );
    assert!(error.message.contains("10 MB"), "{}", error.message);
}
