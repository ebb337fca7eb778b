//! `multipart/form-data`: the fields of a form and the one file it brings.

use std::convert::Infallible;

use multer::bytes::Bytes;
use multer::{Field, Multipart};

use super::Incoming;
use crate::error::{Error, Kind};

/// The largest file that is taken, in bytes: `OpenAI`'s limit.
pub const FILE_LIMIT: usize = 25 * 1024 * 1024;
/// The largest form that is read, in bytes: the file and what stands around it.
const FORM_LIMIT: usize = FILE_LIMIT + 1024 * 1024;
/// Parts of a form.
const MOST_PARTS: usize = 64;
/// Bytes of a field that is no file.
const FIELD_LIMIT: usize = 64 * 1024;

/// A form: its fields in order, and its file.
#[derive(Clone, Debug, Default)]
pub struct Form {
    fields: Vec<(String, String)>,
    file: Option<File>,
}

/// A file of a form.
#[derive(Clone, Debug)]
pub struct File {
    /// The field it stands in.
    pub field: String,
    /// Its bytes.
    pub bytes: Bytes,
}

impl Form {
    /// A form of these fields with a file in the field `file`.
    #[cfg(test)]
    pub(crate) fn of(fields: &[(&str, &str)], file: &'static [u8]) -> Self {
        let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        Self {
            fields: fields.iter().map(owned).collect(),
            file: Some(File {
                field: "file".to_owned(),
                bytes: Bytes::from_static(file),
            }),
        }
    }

    /// A form with nothing but a file.
    #[must_use]
    pub fn with_file(field: &str, bytes: Vec<u8>) -> Self {
        Self {
            fields: Vec::new(),
            file: Some(File {
                field: field.to_owned(),
                bytes: Bytes::from(bytes),
            }),
        }
    }

    /// Adds a field.
    pub fn add(&mut self, name: &str, text: String) {
        self.fields.push((name.to_owned(), text));
    }

    /// The same form with a field under another name and with another value.
    ///
    /// # Errors
    /// `InvalidRequest` where there is no such field.
    pub fn renamed(
        mut self,
        name: &str,
        new: &str,
        value: impl Fn(&str) -> String,
    ) -> Result<Self, Error> {
        let text = self.text(name).map(value);
        let text = text.ok_or_else(|| {
            let message = format!("`{name}` is required.");
            Error::invalid(name, message)
        })?;
        self.fields
            .retain(|(known, _)| known != name && known != new);
        self.add(new, text);
        Ok(self)
    }

    /// Reads the form of a request.
    ///
    /// # Errors
    /// `UnsupportedMediaType` for a body that says it is no form, `PayloadTooLarge`,
    /// `InvalidRequest` for a malformed one.
    pub async fn read(incoming: &dyn Incoming) -> Result<Self, Error> {
        let content_type = incoming.header("content-type").unwrap_or_default();
        let boundary = multer::parse_boundary(content_type).map_err(|_| {
            let message = "Send the body as a form, with `Content-Type: multipart/form-data` and its boundary.";
            Error::new(Kind::UnsupportedMediaType, message)
        })?;
        let body = Bytes::from(incoming.body(FORM_LIMIT).await?);
        let body = futures::stream::iter([Ok::<_, Infallible>(body)]);
        let mut parts = Multipart::new(body, boundary);
        let mut form = Self::default();
        let mut count = 0_usize;
        while let Some(field) = parts.next_field().await.map_err(malformed)? {
            count = count.saturating_add(1);
            if count > MOST_PARTS {
                let message = format!("The form has more than {MOST_PARTS} parts.");
                return Err(Error::new(Kind::InvalidRequest, message));
            }
            form.keep(field).await?;
        }
        Ok(form)
    }

    /// A part with a file name is a file, whatever its field is called.
    async fn keep(&mut self, part: Field<'_>) -> Result<(), Error> {
        let name = part.name().unwrap_or_default().to_owned();
        let is_file = part.file_name().is_some();
        let limit = if is_file { FILE_LIMIT } else { FIELD_LIMIT };
        let bytes = whole(part, limit, &name).await?;
        if is_file {
            if self.file.is_some() {
                let message = "The form has two files. Send them in requests of their own.";
                return Err(Error::invalid(name, message));
            }
            self.file = Some(File { field: name, bytes });
            return Ok(());
        }
        let text = String::from_utf8(bytes.to_vec()).map_err(|_| {
            let message = format!("`{name}` is not valid UTF-8.");
            Error::invalid(name.clone(), message)
        })?;
        self.fields.push((name, text));
        Ok(())
    }

    /// The file.
    #[must_use]
    pub const fn file(&self) -> Option<&File> {
        self.file.as_ref()
    }

    /// A field that is not empty; of a repeated one the last.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().rev().find(|(known, _)| known == name);
        found
            .map(|(_, text)| text.as_str())
            .filter(|text| !text.is_empty())
    }

    /// Every value of a field that may be repeated, with `[]` behind its name or without.
    pub fn list<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let matching = move |known: &str| known.strip_suffix("[]").unwrap_or(known) == name;
        let fields = self.fields.iter().filter(move |(known, _)| matching(known));
        fields.map(|(_, text)| text.as_str())
    }

    /// The names of its fields.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(name, _)| name.as_str())
    }
}

/// A part's bytes: mostly one piece, since the body is whole.
async fn whole(mut part: Field<'_>, limit: usize, name: &str) -> Result<Bytes, Error> {
    let mut bytes = Bytes::new();
    while let Some(piece) = part.chunk().await.map_err(malformed)? {
        bytes = if bytes.is_empty() {
            piece
        } else {
            Bytes::from([bytes, piece].concat())
        };
        if bytes.len() > limit {
            let message = format!("`{name}` is larger than {limit} bytes. Send less at once.");
            return Err(Error {
                param: Some(name.to_owned()),
                ..Error::new(Kind::PayloadTooLarge, message)
            });
        }
    }
    Ok(bytes)
}

fn malformed(error: impl std::fmt::Display) -> Error {
    let message = "The form is malformed: its parts do not end where its boundary says.";
    Error::new(Kind::InvalidRequest, message).with_detail(error.to_string())
}
