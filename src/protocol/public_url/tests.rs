use super::NotPublic::{Malformed, NotHttps, Port, PrivateHost, User};
use super::{NotPublic, PublicUrl};

#[test]
fn public_addresses_are_taken() {
    for url in [
        "https://example.com/cat.png",
        "HTTPS://Example.COM:443/a?b=c&d=%20",
        "https://1.1.1.1/a.png",
        "https://8.8.8.8./a.png",
        "https://[2606:4700:4700::1111]/a.png",
        "https://a-b_c.example.co.uk",
        "https://xn--mnchen-3ya.de/",
        "https://100.63.255.255/",
        "https://172.32.0.1/",
        "https://198.17.0.1/",
        "https://127.0.0.1.example.com/",
        "https://internal.example.com/",
    ] {
        assert!(PublicUrl::parse(url).is_ok(), "{url}");
    }
}

#[test]
fn what_the_server_gets_is_plain() {
    let url = PublicUrl::parse("https://example.com/gatò.png?q=ñ#top").unwrap();
    assert_eq!(url.as_str(), "https://example.com/gat%C3%B2.png?q=%C3%B1");
}

#[test]
fn everything_else_is_refused() {
    let long = format!("https://example.com/{}", "a".repeat(9_000));
    let rows: &[(&str, NotPublic)] = &[
        ("", NotHttps),
        ("http://example.com/", NotHttps),
        ("file:///etc/passwd", NotHttps),
        ("ftp://example.com/", NotHttps),
        ("data:image/png;base64,AA==", NotHttps),
        ("//example.com/", NotHttps),
        ("https:/example.com", Malformed),
        ("https:example.com", Malformed),
        ("https://", Malformed),
        ("https:///a", Malformed),
        ("https://exa mple.com/", Malformed),
        (" https://example.com/", Malformed),
        ("https://example.com\\@127.0.0.1/", Malformed),
        ("https://exam\tple.com/", Malformed),
        ("https://example.com/\n", Malformed),
        (&long, Malformed),
        ("https://user@example.com/", User),
        ("https://user:pass@example.com/", User),
        ("https://example.com:8443/", Port),
        ("https://example.com:80/", Port),
        ("https://localhost/", PrivateHost),
        ("https://LOCALHOST./", PrivateHost),
        ("https://a.localhost/", PrivateHost),
        ("https://printer.local/", PrivateHost),
        ("https://metadata.google.internal/", PrivateHost),
        ("https://router.lan/", PrivateHost),
        ("https://1.0.0.127.in-addr.arpa/", PrivateHost),
        ("https://intranet/", PrivateHost),
        ("https://.example.com/", PrivateHost),
        ("https://example..com/", PrivateHost),
        ("https://%6c%6f%63alhost.com/", Malformed),
        ("https://münchen.de/", Malformed),
        ("https://127.0.0.1/", PrivateHost),
        ("https://127.0.0.1./", PrivateHost),
        ("https://127.1/", PrivateHost),
        ("https://2130706433/", PrivateHost),
        ("https://017700000001/", PrivateHost),
        ("https://0x7f.0.0.1/", PrivateHost),
        ("https://0x7f000001/", PrivateHost),
        ("https://0177.0.0.1/", PrivateHost),
        ("https://010.1.1.1/", PrivateHost),
        ("https://example.0x7f/", PrivateHost),
        ("https://256.1.1.1/", PrivateHost),
        ("https://0.0.0.0/", PrivateHost),
        ("https://10.1.2.3/", PrivateHost),
        ("https://100.64.0.1/", PrivateHost),
        ("https://100.127.255.255/", PrivateHost),
        ("https://169.254.169.254/", PrivateHost),
        ("https://172.16.0.1/", PrivateHost),
        ("https://172.31.255.255/", PrivateHost),
        ("https://192.0.0.1/", PrivateHost),
        ("https://192.0.2.1/", PrivateHost),
        ("https://192.88.99.1/", PrivateHost),
        ("https://192.168.1.1/", PrivateHost),
        ("https://198.18.0.1/", PrivateHost),
        ("https://198.51.100.1/", PrivateHost),
        ("https://203.0.113.1/", PrivateHost),
        ("https://224.0.0.1/", PrivateHost),
        ("https://255.255.255.255/", PrivateHost),
        ("https://[::]/", PrivateHost),
        ("https://[::1]/", PrivateHost),
        ("https://[::ffff:127.0.0.1]/", PrivateHost),
        ("https://[::ffff:8.8.8.8]/", PrivateHost),
        ("https://[::127.0.0.1]/", PrivateHost),
        ("https://[64:ff9b::7f00:1]/", PrivateHost),
        ("https://[2001::1]/", PrivateHost),
        ("https://[2001:db8::1]/", PrivateHost),
        ("https://[2002:7f00:1::]/", PrivateHost),
        ("https://[3fff::1]/", PrivateHost),
        ("https://[fc00::1]/", PrivateHost),
        ("https://[fd00::1]/", PrivateHost),
        ("https://[fe80::1]/", PrivateHost),
        ("https://[ff02::1]/", PrivateHost),
    ];
    for (url, expected) in rows {
        assert_eq!(PublicUrl::parse(url), Err(*expected), "{url}");
    }
}
