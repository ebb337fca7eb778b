//! The internet, as calls over HTTPS see it: the models of every provider under its own address, and
//! pages that a test puts there.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use esclusa::config::{Catalogue, catalogue};
use esclusa::ports::{BindingCall, HttpCall, Unreachable, Upstream};
use futures::stream::StreamExt;
use serde_json::Value;

use super::shared::Shared;

/// A page.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) chunks: Vec<Result<Vec<u8>, Unreachable>>,
    /// Milliseconds before each chunk.
    pub(crate) delay: u64,
}

/// The internet. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Web {
    shared: Rc<Shared>,
    pages: Rc<RefCell<BTreeMap<String, Page>>>,
    pub(crate) calls: Rc<RefCell<Vec<HttpCall>>>,
}

impl Web {
    pub(crate) fn new(shared: Rc<Shared>) -> Self {
        Self {
            shared,
            pages: Rc::default(),
            calls: Rc::default(),
        }
    }

    /// Puts a page at an address.
    pub(crate) fn put(&self, url: &str, page: Page) {
        self.pages.borrow_mut().insert(url.to_owned(), page);
    }

    /// Fetches a page.
    pub(crate) async fn get(&self, call: HttpCall) -> Result<Upstream, Unreachable> {
        self.shared.hop().await;
        let page = self.pages.borrow().get(&call.url).cloned();
        let page = page.ok_or_else(|| Unreachable("no such host".to_owned()))?;
        let shared = Rc::clone(&self.shared);
        let chunks = futures::stream::iter(page.chunks).then(move |chunk| {
            let wait = shared.sleep(page.delay);
            async move {
                wait.await;
                chunk
            }
        });
        Ok(Upstream {
            status: page.status,
            content_type: page.content_type.to_owned(),
            retry_after: None,
            body: chunks.boxed_local(),
        })
    }
}

/// The model that a call over HTTPS asks for, and its input, as if it came over the binding.
pub(crate) fn model_call(call: &HttpCall) -> BindingCall {
    let body = call.body.as_ref().expect("models are called with a body");
    let input = if body.content_type.starts_with("multipart/") {
        form(&body.bytes)
    } else {
        String::from_utf8(body.bytes.clone()).unwrap()
    };
    let catalogue = catalogue().unwrap();
    BindingCall {
        model: model(call, &input, catalogue),
        input,
        options: "{}".to_owned(),
    }
}

/// A form as JSON: its model, and all of it as text.
fn form(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let (_, rest) = text.split_once("name=\"model\"\r\n\r\n").unwrap();
    let (model, _) = rest.split_once("\r\n").unwrap();
    serde_json::json!({ "model": model, "form": text }).to_string()
}

fn model(call: &HttpCall, input: &str, catalogue: &Catalogue) -> String {
    let url = call.url.as_str();
    let serves = |base: &str| {
        url.strip_prefix(base)
            .is_some_and(|rest| rest.starts_with('/'))
    };
    let azure = ["/openai/deployments/", ".azure.com/openai/v1/"];
    let is_azure = azure.iter().any(|path| url.contains(path));
    let provider = catalogue.providers.values().find(|provider| {
        let direct = provider.direct.as_ref();
        direct.is_some_and(|direct| match &direct.base_url {
            Some(base) => serves(base),
            None => !direct.prefix.is_empty() && is_azure,
        })
    });
    let provider = provider.unwrap_or_else(|| panic!("nobody serves {url}"));
    let between = |before: &str, after: char| {
        let rest = url.split_once(before)?.1;
        Some(rest.split_once(after)?.0.to_owned())
    };
    let in_path = between("/deployments/", '/').or_else(|| between("/models/", ':'));
    let name = in_path.unwrap_or_else(|| {
        let input: Value = serde_json::from_str(input).unwrap();
        input["model"].as_str().unwrap().to_owned()
    });
    format!("{}{name}", provider.id_prefix())
}
