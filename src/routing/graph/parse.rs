//! Routes out of JSON, with every problem and its place.

mod limit;
mod model;
mod split;

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::condition::{self, Condition, Field};
use super::{Node, NodeIndex, Route, Work, validate};
use crate::config::Catalogue;
use crate::config::fields::Fields;
use crate::config::problem::Report;
use crate::protocol::json::elements;

/// Nodes of a route.
const MOST_NODES: usize = 100;
/// Bytes of a route.
const MOST_BYTES: usize = 64 * 1024;
/// Characters of an id or a name of an output.
pub(super) const LONGEST_ID: usize = 64;

/// Beside its elements Cloudflare's API tells this of a route, or of a version of one, which means
/// nothing here (<https://developers.cloudflare.com/api/resources/ai_gateway/subresources/dynamic_routing/>).
const ENVELOPE: [&str; 14] = [
    "account_tag",
    "active",
    "comment",
    "created_at",
    "data",
    "deployment",
    "gateway_id",
    "id",
    "is_valid",
    "modified_at",
    "name",
    "version",
    "version_id",
    "versions",
];
/// Where its answers have the route.
const WRAPPERS: [&str; 2] = ["result", "route"];
/// What else such an answer has.
const WRAPPING: [&str; 4] = ["errors", "messages", "result_info", "success"];
/// What an editor adds to an element.
const DRAWING: [&str; 2] = ["name", "position"];
/// Nodes that have a name already and nothing that serves them yet.
const TO_COME: [&str; 3] = ["cascade", "hedge", "shadow"];

/// Reads the route of a name; `None` where it cannot be walked. A model that the catalogue does not
/// have is reported, and the route is passed over it.
pub(crate) fn parse(
    name: &str,
    raw: &RawValue,
    at: &str,
    catalogue: &Catalogue,
    report: &mut Report,
) -> Option<Route> {
    if raw.get().len() > MOST_BYTES {
        report.add(at, format!("is larger than {MOST_BYTES} bytes"));
        return None;
    }
    let (at, elements) = unwrapped(raw, at, report)?;
    let elements = list(&elements, &at, report)?;
    let known: BTreeMap<String, Known> = elements
        .iter()
        .enumerate()
        .map(|(index, element)| {
            let is_end = element.kind == "end";
            (element.id.clone(), Known { index, is_end })
        })
        .collect();
    let start = start(&elements, &at, report);
    let mut reader = Reader {
        route: name,
        known: &known,
        catalogue,
        report,
    };
    let nodes: Vec<Option<Node>> = elements.into_iter().map(|it| reader.node(it)).collect();
    let route = Route {
        name: name.to_owned(),
        nodes: nodes.into_iter().collect::<Option<_>>()?,
        start: start?,
    };
    validate::check(&route, &at, catalogue, report).then_some(route)
}

/// The one element with which the route begins.
fn start(elements: &[Element], at: &str, report: &mut Report) -> Option<NodeIndex> {
    let is_start = |(_, element): &(NodeIndex, &Element)| element.kind == "start";
    let mut starts = elements.iter().enumerate().filter(is_start);
    let first = starts.next();
    if first.is_none() {
        report.add(at, "has no element of the type `start`");
    }
    if let Some((_, second)) = starts.next() {
        let reason = "is the second `start` of the route";
        report.add(second.fields.place("type"), reason);
        return None;
    }
    first.map(|(index, _)| index)
}

/// The elements of a route, out of what the API puts around them.
fn unwrapped(raw: &RawValue, at: &str, report: &mut Report) -> Option<(String, Box<RawValue>)> {
    let mut fields = Fields::of(raw, at, report)?;
    for wrapper in WRAPPERS {
        if let Some(inner) = fields.take(wrapper) {
            for name in WRAPPING {
                fields.take(name);
            }
            let place = fields.place(wrapper);
            fields.finish("`success` and the route", report);
            return route_elements(Fields::of(&inner, place, report)?, report);
        }
    }
    route_elements(fields, report)
}

fn route_elements(mut fields: Fields, report: &mut Report) -> Option<(String, Box<RawValue>)> {
    for name in ENVELOPE {
        fields.take(name);
    }
    let elements = fields.take("elements");
    if elements.is_none() {
        fields.missing("elements", "the list of the route's elements", report);
    }
    let at = fields.place("elements");
    fields.finish(
        "`elements`, and what Cloudflare's API tells of a route",
        report,
    );
    Some((at, elements?))
}

/// An element that was not read yet, but for its id and type.
struct Element {
    id: String,
    kind: String,
    fields: Fields,
}

fn list(raw: &RawValue, at: &str, report: &mut Report) -> Option<Vec<Element>> {
    let Some(elements) = elements(raw).filter(|list| (1..=MOST_NODES).contains(&list.len())) else {
        report.add(at, format!("expected a list of 1 to {MOST_NODES} elements"));
        return None;
    };
    let mut read: Vec<Option<Element>> = Vec::with_capacity(elements.len());
    for (index, raw) in elements.into_iter().enumerate() {
        let element = element(raw, format!("{at}[{index}]"), report);
        if let Some(element) = &element
            && read.iter().flatten().any(|other| other.id == element.id)
        {
            let reason = format!("`{}` is the id of another element", element.id);
            report.add(element.fields.place("id"), reason);
            return None;
        }
        read.push(element);
    }
    read.into_iter().collect()
}

fn element(raw: &RawValue, at: String, report: &mut Report) -> Option<Element> {
    let mut fields = Fields::of(raw, at, report)?;
    for name in DRAWING {
        fields.take(name);
    }
    let id = fields.text("id", report);
    if !id.as_deref().is_some_and(is_id) {
        let reason = format!(
            "expected 1 to {LONGEST_ID} visible ASCII characters without quotes, backslashes, commas, `/` and `>`"
        );
        report.add(fields.place("id"), reason);
        return None;
    }
    let kind = fields.text("type", report);
    if kind.is_none() {
        fields.missing("type", "what the element does", report);
    }
    Some(Element {
        id: id?,
        kind: kind?,
        fields,
    })
}

/// Ids stand in headers, in records and in the names of gates.
pub(super) fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"\"\\,/>".contains(&byte);
    (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(plain)
}

/// An element that outputs may lead to.
#[derive(Clone, Copy)]
struct Known {
    index: NodeIndex,
    is_end: bool,
}

/// What is needed to read elements.
struct Reader<'a> {
    route: &'a str,
    known: &'a BTreeMap<String, Known>,
    catalogue: &'a Catalogue,
    report: &'a mut Report,
}

impl Reader<'_> {
    fn node(&mut self, element: Element) -> Option<Node> {
        let Element {
            id,
            kind,
            mut fields,
        } = element;
        let properties = self.properties(&mut fields);
        let outputs = self.outputs(&mut fields);
        let at = fields.at.clone();
        fields.finish("`id`, `type`, `properties` and `outputs`", self.report);
        let mut parts = Parts {
            properties: properties?,
            outputs: outputs?,
            at,
        };
        let work = match kind.as_str() {
            "start" => self.start(&mut parts),
            "conditional" => self.conditional(&mut parts),
            "percentage" => self.split(&mut parts).map(Work::Percentage),
            "rate" | "rate_limit" | "budget" | "budget_limit" => {
                self.limit(&id, kind.starts_with("budget"), &mut parts)
            }
            "model" => self.model(&mut parts),
            "end" => Some(Work::End),
            "load_balance" => self.balance(&mut parts).map(Work::Balance),
            "split" => self.sticky(&mut parts),
            kind if TO_COME.contains(&kind) => {
                let reason = format!("`{kind}` is not served here yet");
                self.report.add(format!("{}.type", parts.at), reason);
                return None;
            }
            _ => {
                let reason = "expected start, conditional, percentage, rate, rate_limit, budget, model, end, load_balance or split";
                self.report.add(format!("{}.type", parts.at), reason);
                return None;
            }
        };
        parts.finish(&kind, self.report);
        Some(Node { id, work: work? })
    }

    fn properties(&mut self, fields: &mut Fields) -> Option<Fields> {
        let place = fields.place("properties");
        match fields.take("properties") {
            Some(raw) => Fields::of(&raw, place, self.report),
            None => Some(Fields::none(place)),
        }
    }

    /// The names of outputs and where they lead.
    fn outputs(&mut self, fields: &mut Fields) -> Option<Vec<(String, Known)>> {
        let place = fields.place("outputs");
        let Some(raw) = fields.take("outputs") else {
            return Some(Vec::new());
        };
        let outputs = Fields::of(&raw, place.clone(), self.report)?.into_left();
        let read = |(name, raw): (String, Box<RawValue>)| {
            let target = self.target(&raw, format!("{place}.{name}"))?;
            Some((name, target))
        };
        let outputs: Vec<Option<(String, Known)>> = outputs.into_iter().map(read).collect();
        outputs.into_iter().collect()
    }

    fn target(&mut self, raw: &RawValue, at: String) -> Option<Known> {
        let mut fields = Fields::of(raw, at, self.report)?;
        let id = fields.text("elementId", self.report);
        if id.is_none() {
            fields.missing(
                "elementId",
                "the element that the output leads to",
                self.report,
            );
        }
        let place = fields.place("elementId");
        fields.finish("`elementId`", self.report);
        let id = id?;
        let target = self.known.get(&id).copied();
        if target.is_none() {
            let shown: String = id.chars().take(LONGEST_ID).collect();
            self.report
                .add(place, format!("no element has the id `{shown}`"));
        }
        target
    }

    fn start(&mut self, parts: &mut Parts) -> Option<Work> {
        parts.output("next", self.report).map(Work::Start)
    }

    /// The documentation says `condition`, the API `conditions`.
    fn conditional(&mut self, parts: &mut Parts) -> Option<Work> {
        let then = parts.output("true", self.report);
        let otherwise = parts.output("false", self.report);
        let condition = self.condition(parts);
        Some(Work::Conditional {
            condition: condition?,
            then: then?,
            otherwise: otherwise?,
        })
    }

    fn condition(&mut self, parts: &mut Parts) -> Option<Condition> {
        for name in ["condition", "conditions"] {
            if let Some(raw) = parts.properties.take(name) {
                let place = parts.properties.place(name);
                let condition = condition::parse(&raw, &place, self.report)?;
                self.check_operations(&condition, &place);
                return Some(condition);
            }
        }
        let reason = "what is asked of the request";
        parts.properties.missing("condition", reason, self.report);
        None
    }

    /// A condition on an operation that does not exist says nothing.
    fn check_operations(&mut self, condition: &Condition, at: &str) {
        for name in condition.compared(&Field::Operation) {
            if self.catalogue.operation(name).is_none() {
                self.report
                    .add(at, format!("there is no operation `{name}`"));
            }
        }
    }
}

/// What an element is made of.
struct Parts {
    at: String,
    properties: Fields,
    outputs: Vec<(String, Known)>,
}

impl Parts {
    /// An output that must be there.
    fn output(&mut self, name: &str, report: &mut Report) -> Option<NodeIndex> {
        let target = self.optional(name).map(|target| target.index);
        if target.is_none() {
            let reason = "is missing: the way of a request would end here";
            report.add(format!("{}.outputs.{name}", self.at), reason);
        }
        target
    }

    fn optional(&mut self, name: &str) -> Option<Known> {
        let index = self.outputs.iter().position(|(known, _)| known == name)?;
        Some(self.outputs.remove(index).1)
    }

    /// What is left has no meaning for this type.
    fn finish(self, kind: &str, report: &mut Report) {
        for (name, _) in &self.outputs {
            let reason = format!("an element of the type `{kind}` has no such output");
            report.add(format!("{}.outputs.{name}", self.at), reason);
        }
        let expected = format!("what an element of the type `{kind}` has");
        self.properties.finish(&expected, report);
    }
}
