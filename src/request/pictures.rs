//! Pictures that a request names by their address, fetched for a provider that takes none.

use std::cell::OnceCell;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::future::try_join_all;

use crate::error::Error;
use crate::ports::Ports;
use crate::protocol::{Content, Media, MediaSource, Message, Part};
use crate::remote_image::{self, PublicUrl};

/// Pictures of one request that are fetched.
const MOST: usize = 16;

/// The messages of a request, with their pictures fetched once they are needed.
pub struct Pictures<'a> {
    messages: &'a [Message],
    /// Messages before those of the caller.
    added: usize,
    fetched: OnceCell<Result<Vec<Message>, Error>>,
}

impl<'a> Pictures<'a> {
    /// Messages of which nothing has been fetched; the first `added` are not the caller's.
    #[must_use]
    pub const fn of(messages: &'a [Message], added: usize) -> Self {
        Self {
            messages,
            added,
            fetched: OnceCell::new(),
        }
    }

    /// The messages as they came.
    #[must_use]
    pub const fn as_they_came(&self) -> &'a [Message] {
        self.messages
    }

    /// The messages with the bytes of each picture in place of its address.
    ///
    /// # Errors
    /// `InvalidRequest` where one cannot be had.
    pub async fn inlined(&self, ports: &Ports) -> Result<&[Message], Error> {
        if !self.messages.iter().flat_map(|it| &it.parts).any(is_remote) {
            return Ok(self.messages);
        }
        if self.fetched.get().is_none() {
            // Candidates are asked one after the other, so nobody else has set it meanwhile.
            let _ = self.fetched.set(self.fetch(ports).await);
        }
        match self.fetched.get() {
            Some(Ok(messages)) => Ok(messages),
            Some(Err(error)) => Err(error.clone()),
            None => Ok(self.messages),
        }
    }

    async fn fetch(&self, ports: &Ports) -> Result<Vec<Message>, Error> {
        let remote = self.messages.iter().flat_map(|it| &it.parts);
        if remote.filter(|part| is_remote(part)).count() > MOST {
            let message = format!("`messages` names more than {MOST} pictures by their address.");
            return Err(Error::invalid("messages", message));
        }
        let numbered = self.messages.iter().enumerate();
        let messages = numbered.map(async |(index, message)| {
            let index = index.saturating_sub(self.added);
            let parts = message.parts.iter().enumerate();
            let parts = parts.map(async |(part, content)| {
                let path = format!("messages[{index}].content[{part}]");
                inline(ports, content, &path).await
            });
            Ok::<_, Error>(Message {
                parts: try_join_all(parts).await?,
                ..message.clone()
            })
        });
        try_join_all(messages).await
    }
}

/// Whether a part has a picture elsewhere, also inside of a tool's result.
fn is_remote(part: &Part) -> bool {
    match &part.content {
        Content::Image(media) => matches!(media.source, MediaSource::Url(_)),
        Content::ToolResult(result) => result.parts.iter().any(is_remote),
        _ => false,
    }
}

async fn inline(ports: &Ports, part: &Part, path: &str) -> Result<Part, Error> {
    let content = match &part.content {
        Content::Image(media) => Content::Image(fetched(ports, media, path).await?),
        Content::ToolResult(result) if is_remote(part) => {
            let mut result = result.clone();
            for part in &mut result.parts {
                if let Content::Image(media) = &part.content {
                    part.content = Content::Image(fetched(ports, media, path).await?);
                }
            }
            Content::ToolResult(result)
        }
        _ => return Ok(part.clone()),
    };
    Ok(Part {
        content,
        cache: part.cache.clone(),
    })
}

async fn fetched(ports: &Ports, media: &Media, path: &str) -> Result<Media, Error> {
    let MediaSource::Url(url) = &media.source else {
        return Ok(media.clone());
    };
    let url = PublicUrl::parse(url)
        .map_err(|reason| Error::invalid(path, format!("`{path}` {reason}.")))?;
    let image = remote_image::fetch(ports, &url).await;
    let image = image.map_err(|reason| reason.at(path))?;
    let inline = Media::inline(
        image.format.media_type(),
        BASE64_STANDARD.encode(&image.bytes),
    );
    Ok(Media {
        source: inline.source,
        media_type: inline.media_type,
        ..media.clone()
    })
}
