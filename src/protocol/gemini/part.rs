//! A content: who speaks, and the parts of what is said.

use serde_json::value::RawValue;

use super::function;
use super::name::camel;
use super::signature;
use crate::error::Error;
use crate::protocol::json::{MAX_ELEMENTS, Path, Shape, Value};
use crate::protocol::{
    Content, Family, Json, Media, MediaSource, Message, Part, Role, Signature, ToolCall, Warning,
    media,
};

const KINDS: &str = "Send `text`, `inlineData`, `fileData`, `functionCall` or `functionResponse`.";
const ROLES: &str = "must be \"user\" or \"model\".";
/// Where Google keeps what it alone can read.
const GOOGLE: [&str; 3] = [
    "https://generativelanguage.googleapis.com/",
    "https://www.youtube.com/",
    "https://youtu.be/",
];

/// What the turns before a content say about it.
pub(super) struct Turn<'t> {
    /// Which content it is.
    pub(super) index: usize,
    /// The calls of the model that wait for their results.
    pub(super) calls: &'t mut Vec<ToolCall>,
    /// What is left out.
    pub(super) warnings: &'t mut Vec<Warning>,
}

/// Reads a content. The results of functions become a message before what else the user says.
///
/// # Errors
/// `InvalidRequest`, with the JSON path.
pub(super) fn parse_turn(value: Value<'_, '_>, mut turn: Turn<'_>) -> Result<Vec<Message>, Error> {
    let (object, path) = (value.object()?, value.path);
    let role = object.optional_string(path, "role")?;
    let model = match role.as_deref() {
        None | Some("user" | "function" | "system") => false,
        Some("model") => true,
        Some(_) => return Err(Path::Field(path, "role").error(ROLES)),
    };
    object.warn_of_others(path, &["role", "parts"], turn.warnings);
    let parts_path = Path::Field(path, "parts");
    let raw = object.get("parts");
    let raw = raw.ok_or_else(|| parts_path.missing("Send at least one part."))?;
    let items = Value::new(raw, &parts_path).array(MAX_ELEMENTS)?;
    if items.is_empty() {
        return Err(parts_path.error("must not be empty. Send at least one part."));
    }
    let mut said = Vec::with_capacity(items.len());
    for (index, raw) in items.into_iter().enumerate() {
        let path = Path::Index(&parts_path, index);
        let fields = Draft::read(Value::new(raw, &path), turn.warnings)?;
        let before = said.len();
        fields.append(&path, (model, index), &mut turn, &mut said)?;
        let new = said.iter_mut().skip(before);
        new.for_each(|part| part.origin.or_at(&path));
    }
    if model {
        return Ok(vec![Message::new(Role::Assistant, said).at(path)]);
    }
    let is_result = |part: &Part| matches!(part.content, Content::ToolResult(_));
    let (results, others): (Vec<_>, Vec<_>) = said.into_iter().partition(is_result);
    let messages = [(Role::Tool, results), (Role::User, others)];
    let filled = messages.into_iter().filter(|(_, parts)| !parts.is_empty());
    Ok(filled
        .map(|(role, parts)| Message::new(role, parts).at(path))
        .collect())
}

/// A part whose fields have been told apart.
struct Draft<'a> {
    whole: &'a RawValue,
    /// The field that says what the part is, as it is written.
    data: Option<(String, &'a RawValue)>,
    thought: bool,
    signature: Option<Signature>,
}

impl<'a> Draft<'a> {
    fn read(value: Value<'a, '_>, warnings: &mut Vec<Warning>) -> Result<Self, Error> {
        let mut draft = Self {
            whole: value.raw,
            data: None,
            thought: false,
            signature: None,
        };
        for (name, raw) in value.object()? {
            let path = Path::Field(value.path, &name);
            let field = Value::new(raw, &path);
            match camel(&name).as_ref() {
                _ if field.shape() == Shape::Null => {}
                "thought" => draft.thought = field.boolean()?,
                "thoughtSignature" => {
                    let text = field.filled_string("the signature as it came")?;
                    draft.signature = Some(signature::read(&text));
                }
                "text"
                | "inlineData"
                | "fileData"
                | "functionCall"
                | "functionResponse"
                | "executableCode"
                | "codeExecutionResult" => {
                    if draft.data.is_some() {
                        let advice = "is one thing too many: a part is one thing. Send two parts.";
                        return Err(path.error(advice));
                    }
                    draft.data = Some((name.into_owned(), raw));
                }
                _ => warnings.push(Warning::new(path.to_string(), "not known here")),
            }
        }
        Ok(draft)
    }

    /// Appends what the part is. A signature that is no thought's stands before what it came with.
    fn append(
        self,
        path: &Path<'_>,
        (model, index): (bool, usize),
        turn: &mut Turn<'_>,
        said: &mut Vec<Part>,
    ) -> Result<(), Error> {
        let Some((name, raw)) = self.data else {
            let signature = self.signature.ok_or_else(|| path.error(&missing()))?;
            said.push(thought(String::new(), Some(signature)));
            return Ok(());
        };
        let path = Path::Field(path, &name);
        let value = Value::new(raw, &path);
        let content = match camel(&name).as_ref() {
            "text" => {
                let text = value.string()?;
                if self.thought {
                    think(text, self.signature, said);
                    return Ok(());
                }
                // A signature that came alone is that of nothing.
                if text.is_empty() && self.signature.is_some() {
                    said.push(thought(text, self.signature));
                    return Ok(());
                }
                Part::text(text).content
            }
            "inlineData" => blob(value)?,
            "fileData" => file(value)?,
            "functionCall" if model => {
                let mut call = function::call(value, turn.index, index)?;
                let mut calls = said.iter().filter_map(Part::tool_call);
                if calls.any(|other| other.id == call.id) {
                    let advice = "is the id of another call too. Give each call an id of its own.";
                    return Err(Path::Field(&path, "id").error(advice));
                }
                call.signature = self.signature;
                said.push(Content::ToolCall(call).into());
                return Ok(());
            }
            "functionCall" => return Err(path.error("may stand in a content of the model only.")),
            "functionResponse" if model => {
                return Err(path.error("may stand in a content of the user only."));
            }
            "functionResponse" => function::response(value, turn)?,
            _ => Content::Native {
                family: Family::Google,
                block: Json::from(self.whole),
            },
        };
        let native = matches!(content, Content::Native { .. });
        let signature = self.signature.filter(|_| !native);
        said.extend(signature.map(|signature| thought(String::new(), Some(signature))));
        said.push(Part::new(content).at(&path));
        Ok(())
    }
}

fn missing() -> String {
    format!("says nothing. {KINDS}")
}

fn thought(text: String, signature: Option<Signature>) -> Part {
    Content::Reasoning { text, signature }.into()
}

/// Adds a thought. Streams bring the signature of one in a part of its own, and thoughts that nobody
/// is shown as a signature alone.
fn think(text: String, signature: Option<Signature>, said: &mut Vec<Part>) {
    let unsigned = said.last_mut().map(|part| &mut part.content);
    match (unsigned, signature) {
        (
            Some(Content::Reasoning {
                signature: unsigned @ None,
                text: before,
            }),
            signature,
        ) => {
            before.push_str(&text);
            *unsigned = signature;
        }
        (_, Some(signature)) if text.is_empty() => {
            said.push(Content::RedactedReasoning(signature).into());
        }
        (_, signature) => said.push(thought(text, signature)),
    }
}

/// Reads `{mimeType, data}`.
pub(super) fn blob(value: Value<'_, '_>) -> Result<Content, Error> {
    let (mut mime_type, mut data) = (None, None);
    for (name, raw) in value.object()? {
        let path = Path::Field(value.path, &name);
        let field = Value::new(raw, &path);
        match camel(&name).as_ref() {
            "mimeType" => mime_type = Some(mime_type_of(field)?),
            "data" => {
                let text = field.filled_string("base64 of the bytes")?;
                let text = signature::standard(&text).into_owned();
                media::base64(&text, &path)?;
                data = Some(text);
            }
            _ => {}
        }
    }
    let missing = |name| Path::Field(value.path, name);
    let mime_type = mime_type
        .ok_or_else(|| missing("mimeType").missing("Send the media type, e.g. \"image/png\"."))?;
    let data = data.ok_or_else(|| missing("data").missing("Send base64 of the bytes."))?;
    Ok(of_kind(Media::inline(mime_type, data)))
}

fn mime_type_of(value: Value<'_, '_>) -> Result<String, Error> {
    let text = value.string()?.to_ascii_lowercase();
    let sound = text
        .split_once('/')
        .is_some_and(|(major, minor)| !major.is_empty() && !minor.is_empty());
    sound.then_some(text).ok_or_else(|| {
        value
            .path
            .error("must be a media type, e.g. \"image/png\".")
    })
}

/// Reads `{mimeType, fileUri}`: an address of the web, or of something that Google keeps.
fn file(value: Value<'_, '_>) -> Result<Content, Error> {
    let (mut mime_type, mut found) = (None, None);
    for (name, raw) in value.object()? {
        let path = Path::Field(value.path, &name);
        let field = Value::new(raw, &path);
        match camel(&name).as_ref() {
            "mimeType" => mime_type = Some(mime_type_of(field)?),
            "fileUri" => found = Some(address(field)?),
            _ => {}
        }
    }
    let path = Path::Field(value.path, "fileUri");
    let media = found.ok_or_else(|| path.missing("Send the file's address."))?;
    let media_type = mime_type.or(media.media_type);
    Ok(of_kind(Media {
        media_type,
        ..media
    }))
}

fn address(value: Value<'_, '_>) -> Result<Media, Error> {
    let uri = value.string()?;
    let kept = GOOGLE.iter().any(|address| uri.starts_with(address));
    if kept || uri.starts_with("gs://") || uri.starts_with("files/") {
        return Ok(Media::new(MediaSource::Id(uri)));
    }
    media::address(value, "")
}

/// What a medium is, by its type.
fn of_kind(media: Media) -> Content {
    let media_type = media.media_type.as_deref().unwrap_or_default();
    match media_type.split_once('/').map(|(major, _)| major) {
        Some("audio") => Content::Audio(media),
        Some("image") => Content::Image(media),
        _ => Content::File(media),
    }
}
