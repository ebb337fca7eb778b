//! A case as its file holds it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::client::Client;
use super::provider::{Maker, OTHERS_CHAT};
use crate::support::*;

type Texts = BTreeMap<String, Box<RawValue>>;

/// A case.
pub(crate) struct Case {
    /// What it is about, for people.
    pub(crate) about: String,
    models: BTreeMap<String, String>,
    requests: Texts,
    given: Vec<Given>,
}

/// What the providers answer, by their wire.
pub(crate) struct Given {
    /// What tells it from the others of the case.
    pub(crate) title: Option<String>,
    status: u16,
    retry_after: Option<u64>,
    answers: Texts,
    /// The data of a stream's events; where there are none it is answered as if whole.
    streams: Option<BTreeMap<String, Vec<Box<RawValue>>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    about: String,
    #[serde(default)]
    models: BTreeMap<String, String>,
    requests: Part<Texts>,
    answers: Option<Part<Texts>>,
    streams: Option<Part<BTreeMap<String, Vec<Box<RawValue>>>>>,
    #[serde(default)]
    errors: Vec<UpstreamError>,
}

/// A part of a case, or the name of the case that it is taken from.
enum Part<T> {
    Here(T),
    Of(String),
}

#[derive(Deserialize)]
struct UpstreamError {
    status: u16,
    retry_after: Option<u64>,
    #[serde(flatten)]
    bodies: BTreeMap<String, serde_json::Value>,
}

impl<'de, T: serde::de::DeserializeOwned> Deserialize<'de> for Part<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let parsed = serde_json::from_str(raw.get())
            .map(Self::Of)
            .or_else(|_| serde_json::from_str(raw.get()).map(Self::Here));
        parsed.map_err(serde::de::Error::custom)
    }
}

impl Case {
    /// Reads `test/native/crosses/{name}.json`.
    pub(crate) fn read(name: &str) -> Self {
        let file = File::read(name);
        let requests = match file.requests {
            Part::Here(requests) => requests,
            Part::Of(name) => Self::read(&name).requests,
        };
        let given = if file.errors.is_empty() {
            vec![Given {
                title: None,
                status: 200,
                retry_after: None,
                answers: File::answers(file.answers.unwrap()),
                streams: Some(File::streams(file.streams.unwrap())),
            }]
        } else {
            file.errors.into_iter().map(Given::failure).collect()
        };
        Self {
            about: file.about,
            models: file.models,
            requests,
            given,
        }
    }

    pub(crate) fn given(&self) -> &[Given] {
        &self.given
    }

    /// The body that a client sends, without a model.
    pub(crate) fn request(&self, client: Client) -> &str {
        self.requests[client.name()].get()
    }

    /// The model that is asked.
    pub(crate) fn model(&self, client: Client, maker: Maker) -> &str {
        let usual = maker.model(client);
        let named = self.models.get(maker.name());
        named
            .filter(|_| usual != OTHERS_CHAT)
            .map_or(usual, String::as_str)
    }
}

impl File {
    fn read(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("test/native/crosses");
        let text = std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn answers(part: Part<Texts>) -> Texts {
        match part {
            Part::Here(answers) => answers,
            Part::Of(name) => Self::answers(Self::read(&name).answers.unwrap()),
        }
    }

    fn streams(
        part: Part<BTreeMap<String, Vec<Box<RawValue>>>>,
    ) -> BTreeMap<String, Vec<Box<RawValue>>> {
        match part {
            Part::Here(streams) => streams,
            Part::Of(name) => Self::streams(Self::read(&name).streams.unwrap()),
        }
    }
}

impl Given {
    fn failure(error: UpstreamError) -> Self {
        let raw = |(name, body)| (name, serde_json::value::to_raw_value(&body).unwrap());
        Self {
            title: Some(format!("status {}", error.status)),
            status: error.status,
            retry_after: error.retry_after,
            answers: error.bodies.into_iter().map(raw).collect(),
            streams: None,
        }
    }

    /// What the provider does when it is asked.
    pub(crate) fn act(&self, maker: Maker, stream: bool) -> Act {
        match &self.streams {
            Some(streams) if stream => Act::Raw(maker.events(&streams[maker.name()])),
            _ => {
                let answer = &self.answers[maker.name()];
                // A text stands for a body that is no JSON.
                let text = serde_json::from_str(answer.get());
                let body = text.unwrap_or_else(|_| answer.get().to_owned());
                Act::Reply(self.status, self.retry_after, body)
            }
        }
    }
}
