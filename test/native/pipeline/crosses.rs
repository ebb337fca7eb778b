//! Whole crosses: a request in each of the four wires, through the gateway, to a provider of each
//! wire; what it answers, back in the caller's wire, whole and streamed.
//!
//! The cases are files of `test/native/crosses`: what goes in and what the providers say. What comes
//! out is a golden file for each, in which exchanges that look alike stand together.

mod case;
mod client;
mod provider;

use std::fmt::Write as _;

use self::case::{Case, Given};
pub(crate) use self::client::Client;
use self::client::Told;
pub(crate) use self::provider::Maker;
use self::provider::unstreamed;
use super::golden::assert_golden;
use super::support::*;
use super::world::web::Page;

/// The picture that some requests name.
const CAT: &str = "https://images.example/cat.png";

/// Runs a case, and compares all that comes of it with its golden file.
fn check(name: &str) {
    let case = Case::read(name);
    let mut shown = format!("{}\n", case.about);
    let given = case.given();
    for (index, given) in given.iter().enumerate() {
        if index == 0 {
            show_requests(&mut shown, &case, given);
        }
        if let Some(title) = &given.title {
            writeln!(shown, "\n# {title}").unwrap();
        }
        show_answers(&mut shown, &case, given);
    }
    assert_golden(&format!("cross_{name}"), &shown);
}

/// What each provider is asked, and what was left out of it.
fn show_requests(shown: &mut String, case: &Case, given: &Given) {
    for maker in Maker::ALL {
        writeln!(shown, "\n# to {}", maker.name()).unwrap();
        let asked = Client::ALL.map(|client| {
            let whole = Exchange::run(case, given, client, maker, false);
            let streamed = Exchange::run(case, given, client, maker, true);
            assert_eq!(
                unstreamed(whole.sent.as_deref()),
                unstreamed(streamed.sent.as_deref()),
                "a stream asks for the same"
            );
            (client.name(), whole.asked())
        });
        show_alike(shown, "from", &asked);
    }
}

/// What each client is told, whole and streamed.
fn show_answers(shown: &mut String, case: &Case, given: &Given) {
    for stream in [false, true] {
        for client in Client::ALL {
            let form = if stream { "stream" } else { "answer" };
            writeln!(shown, "\n# {form} to {}", client.name()).unwrap();
            let told = Maker::ALL.map(|maker| {
                let exchange = Exchange::run(case, given, client, maker, stream);
                (maker.name(), client.shown(&exchange.told))
            });
            show_alike(shown, "of", &told);
        }
    }
}

/// Shows texts, those that are the same once.
fn show_alike(shown: &mut String, relation: &str, texts: &[(&str, String)]) {
    let mut done = Vec::new();
    for (_, text) in texts {
        if done.contains(&text) {
            continue;
        }
        done.push(text);
        let alike = texts.iter().filter(|(_, other)| other == text);
        let names: Vec<&str> = alike.map(|(name, _)| *name).collect();
        writeln!(shown, "{relation} {}:\n{text}", names.join(", ")).unwrap();
    }
}

/// One request, and what became of it.
struct Exchange {
    /// The body that the provider got, if it was asked.
    sent: Option<String>,
    told: Told,
}

impl Exchange {
    fn run(case: &Case, given: &Given, client: Client, maker: Maker, stream: bool) -> Self {
        let acme = Acme::new();
        acme.world.secrets.0.borrow_mut().extend(Maker::keys());
        let page = Page {
            status: 200,
            content_type: "image/png",
            chunks: vec![Ok(b"\x89PNG\r\n\x1a\n".to_vec())],
            delay: 0,
        };
        acme.world.provider.web.put(CAT, page);
        let model = case.model(client, maker);
        acme.world.provider.once(model, given.act(maker, stream));
        let request = client.request(&acme.key, model, case.request(client), stream);
        let response = acme.world.send(&acme.worker, request);
        acme.check_released();
        let sent = acme.world.provider.sent();
        assert!(sent.len() < 2, "one attempt");
        Self {
            sent: sent.into_iter().next(),
            told: Told::new(&response, model),
        }
    }

    fn asked(&self) -> String {
        let mut shown = match &self.sent {
            Some(sent) => sent.clone(),
            None => "nothing".to_owned(),
        };
        for warning in &self.told.warnings {
            write!(shown, "\n  {warning}").unwrap();
        }
        shown
    }
}

/// No field is sent with a null that the caller did not write; `OpenAI` wants one for a message that
/// only calls tools or refuses.
#[test]
fn no_null_is_added_on_the_way_to_a_provider() {
    for name in NAMES {
        let case = Case::read(name);
        let given = case.given().first().unwrap();
        for (client, maker) in pairs() {
            let Some(sent) = Exchange::run(&case, given, client, maker, false).sent else {
                continue;
            };
            let spared = sent
                .replace(r#""content":null,"tool_calls""#, "")
                .replace(r#""content":null,"refusal""#, "");
            assert!(!spared.contains("null"), "{name}: {sent}");
        }
    }
}

/// Every wire in with every provider.
pub(crate) fn pairs() -> impl Iterator<Item = (Client, Maker)> {
    let clients = Client::ALL.into_iter();
    clients.flat_map(|client| Maker::ALL.map(|maker| (client, maker)))
}

macro_rules! crosses {
    ($($name:ident)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*
    };
}

crosses! {
    cached_tokens
    empty
    error_at_once
    image
    length
    mid_stream_error
    multi_turn
    parallel_tools
    plain
    reasoning
    refusal
    schema
    stop
    system
    tool_error
    tools
    truncated
    unicode
    upstream_errors
    usage_missing
}
