use std::rc::Rc;

use esclusa::ports::Unreachable;
use esclusa::protocol::PublicUrl;
use esclusa::remote_image::{self, Format, Image, LARGEST, Unfetched};

use super::support::*;
use super::world::web::Page;

const URL: &str = "https://images.example/cat.png";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\nand the rest";

fn page(content_type: &'static str, bytes: &[u8]) -> Page {
    Page {
        status: 200,
        content_type,
        chunks: bytes.chunks(7).map(|chunk| Ok(chunk.to_vec())).collect(),
        delay: 0,
    }
}

fn fetched(page: Option<Page>) -> Result<Image, Unfetched> {
    let world = World::new(1);
    let worker = world.worker(1);
    if let Some(page) = page {
        world.provider.web.put(URL, page);
    }
    let ports = worker.ports.clone();
    let fetch = async move {
        let url = PublicUrl::parse(URL).unwrap();
        remote_image::fetch(&ports, &url).await
    };
    Rc::clone(&world.shared).executor.block_on(fetch)
}

#[test]
fn a_picture_is_fetched_with_its_form() {
    let image = fetched(Some(page("image/png; charset=binary", PNG))).unwrap();
    assert_eq!((image.format, image.bytes.as_slice()), (Format::Png, PNG));
}

#[test]
fn what_is_no_picture_is_refused() {
    let html = page("text/html", b"<html>");
    assert_eq!(fetched(Some(html)), Err(Unfetched::WrongType));
    let disguised = page("image/jpeg", PNG);
    assert_eq!(
        fetched(Some(disguised)),
        Err(Unfetched::Disguised("image/jpeg"))
    );
    let empty = page("image/png", b"");
    assert_eq!(fetched(Some(empty)), Err(Unfetched::Disguised("image/png")));
}

#[test]
fn what_does_not_come_is_refused() {
    let of_status = |status| Page {
        status,
        ..page("image/png", PNG)
    };
    for status in [204, 301, 302, 307, 404, 500] {
        assert_eq!(
            fetched(Some(of_status(status))),
            Err(Unfetched::Status(status))
        );
    }
    assert_eq!(fetched(None), Err(Unfetched::Unreachable));
    let mut broken = page("image/png", PNG);
    broken.chunks.push(Err(Unreachable("reset".to_owned())));
    assert_eq!(fetched(Some(broken)), Err(Unfetched::Unreachable));
}

#[test]
fn size_and_time_are_bounded() {
    let of_size = |size: usize| {
        let mut bytes = PNG.to_vec();
        bytes.resize(size, 0);
        Page {
            chunks: bytes
                .chunks(1 << 20)
                .map(|chunk| Ok(chunk.to_vec()))
                .collect(),
            ..page("image/png", &[])
        }
    };
    assert_eq!(
        fetched(Some(of_size(LARGEST))).unwrap().bytes.len(),
        LARGEST
    );
    assert_eq!(
        fetched(Some(of_size(LARGEST + 1))),
        Err(Unfetched::TooLarge)
    );
    let slow = Page {
        delay: 2_000,
        ..page("image/png", PNG)
    };
    assert_eq!(fetched(Some(slow)), Err(Unfetched::TooSlow));
    let in_time = Page {
        delay: 1_000,
        ..page("image/png", PNG)
    };
    assert!(fetched(Some(in_time)).is_ok());
}
