//! Puts the bytes of pictures in the place of their addresses.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine};
use futures::future::try_join_all;

use super::{Unfetched, fetch};
use crate::error::Error;
use crate::ports::Ports;
use crate::protocol::{Content, MediaSource, Message, Part, PublicUrl};

/// The most pictures of one request that are fetched.
pub const MOST: usize = 20;
/// The most bytes that they may have together.
pub const LARGEST_TOGETHER: usize = 20 * 1024 * 1024;
/// Pictures that are fetched at once.
const PARALLEL: usize = 4;

/// A picture in base64, with its media type.
type Inline = (&'static str, String);

/// The messages of a request, with the bytes of their pictures where a model needs them.
#[derive(Debug)]
pub struct Pictures<'a> {
    messages: &'a [Message],
    /// Messages before those of the caller.
    added: usize,
    inline: OnceCell<Vec<Message>>,
}

impl<'a> Pictures<'a> {
    /// Nothing is fetched yet. The first `added` messages are not the caller's.
    #[must_use]
    pub const fn of(messages: &'a [Message], added: usize) -> Self {
        Self {
            messages,
            added,
            inline: OnceCell::new(),
        }
    }

    /// The messages with every picture's bytes in them. They are fetched once.
    ///
    /// # Errors
    /// `InvalidRequest` with the place of a picture that cannot be had.
    pub async fn inline(&self, ports: &Ports) -> Result<&[Message], Error> {
        if let Some(messages) = self.inline.get() {
            return Ok(messages);
        }
        let places = places(self.messages, self.added);
        if places.is_empty() {
            return Ok(self.messages);
        }
        let pictures = fetch_all(ports, &places).await?;
        let messages = || replaced(self.messages, &pictures);
        Ok(self.inline.get_or_init(messages))
    }
}

/// The addresses of pictures, each with the JSON path of its first place.
fn places(messages: &[Message], added: usize) -> BTreeMap<&str, String> {
    let mut places = BTreeMap::new();
    for (index, message) in messages.iter().skip(added).enumerate() {
        for (position, part) in message.parts.iter().enumerate() {
            let otherwise = || format!("messages[{index}].content[{position}]");
            for (url, part) in addresses(part) {
                places
                    .entry(url)
                    .or_insert_with(|| part.origin.path_or(otherwise));
            }
        }
    }
    places
}

/// The addresses in a part, each with the part that has it.
fn addresses(part: &Part) -> Vec<(&str, &Part)> {
    match &part.content {
        Content::Image(media) => match &media.source {
            MediaSource::Url(url) => vec![(url, part)],
            _ => Vec::new(),
        },
        Content::ToolResult(result) => result.parts.iter().flat_map(addresses).collect(),
        _ => Vec::new(),
    }
}

async fn fetch_all(
    ports: &Ports,
    places: &BTreeMap<&str, String>,
) -> Result<BTreeMap<String, Inline>, Error> {
    if let Some(place) = places.values().nth(MOST) {
        return Err(Unfetched::TooMany.at(place));
    }
    let places: Vec<(&&str, &String)> = places.iter().collect();
    let mut pictures = BTreeMap::new();
    let mut left = LARGEST_TOGETHER;
    for some in places.chunks(PARALLEL) {
        let fetches = some.iter().map(|(url, place)| picture(ports, url, place));
        for ((url, place), image) in some.iter().zip(try_join_all(fetches).await?) {
            let room = left.checked_sub(image.bytes.len());
            left = room.ok_or_else(|| Unfetched::TooLargeTogether.at(place))?;
            let inline = BASE64_STANDARD.encode(&image.bytes);
            pictures.insert((**url).to_owned(), (image.format.media_type(), inline));
        }
    }
    Ok(pictures)
}

async fn picture(ports: &Ports, url: &str, place: &str) -> Result<super::Image, Error> {
    let url = PublicUrl::parse(url).map_err(|refused| {
        let message = format!("The address of the picture in `{place}` {refused}.");
        Error::invalid(place, message)
    })?;
    let image = fetch(ports, &url).await;
    image.map_err(|unfetched| unfetched.at(place))
}

fn replaced(messages: &[Message], pictures: &BTreeMap<String, Inline>) -> Vec<Message> {
    let mut messages = messages.to_vec();
    let parts = messages.iter_mut().flat_map(|message| &mut message.parts);
    for part in parts {
        replace(part, pictures);
    }
    messages
}

fn replace(part: &mut Part, pictures: &BTreeMap<String, Inline>) {
    match &mut part.content {
        Content::Image(media) => {
            let MediaSource::Url(url) = &media.source else {
                return;
            };
            if let Some((media_type, bytes)) = pictures.get(url) {
                media.media_type = Some((*media_type).to_owned());
                media.source = MediaSource::Base64(bytes.clone());
            }
        }
        Content::ToolResult(result) => {
            for part in &mut result.parts {
                replace(part, pictures);
            }
        }
        _ => {}
    }
}
