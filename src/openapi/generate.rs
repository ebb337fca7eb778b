//! Makes `docs/openapi.json` of the tables that the router goes by and of what people write about them
//! in `docs/openapi/`, and holds the published file against that.

use std::collections::BTreeMap;
use std::fs;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::admin::TABLE;
use crate::config::yaml;
use crate::http::endpoints::paths;

/// What people write about a path with a method.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    summary: String,
    #[serde(default)]
    query: Vec<String>,
    #[serde(default)]
    headers: Vec<String>,
    body: Option<String>,
    answers: BTreeMap<u16, String>,
    /// Whose convention it follows.
    reference: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
struct Components {
    parameters: Map<String, Value>,
    /// Headers of every call of a model, with what they mean.
    request_headers: BTreeMap<String, String>,
    schemas: Map<String, Value>,
}

/// A path with a method as the router has it.
struct Place {
    method: &'static str,
    path: String,
    /// What the administration asks of a role.
    permission: Option<&'static str>,
}

/// Everything that the router knows.
fn places() -> Vec<Place> {
    let admin = TABLE.iter().map(|row| Place {
        method: row.method.as_str(),
        path: format!("/admin/v1/{}", row.path),
        permission: Some(row.needs.as_str()),
    });
    let others = paths().flat_map(|(path, methods)| {
        methods.split(", ").map(move |method| Place {
            method,
            path: path.clone(),
            permission: None,
        })
    });
    let plain = |place: Place| Place {
        path: place.path.replace("...}", "}"),
        ..place
    };
    admin.chain(others).map(plain).collect()
}

fn read(name: &str) -> String {
    let root = env!("CARGO_MANIFEST_DIR");
    fs::read_to_string(format!("{root}/docs/{name}")).unwrap_or_default()
}

fn parse<T: serde::de::DeserializeOwned>(name: &str) -> T {
    let document = yaml::parse(&read(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::from_str(&document.json).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn generated() -> Value {
    let mut written: BTreeMap<String, Written> = parse("openapi/paths.yaml");
    let components: Components = parse("openapi/schemas.yaml");
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for place in places() {
        let name = format!("{} {}", place.method, place.path);
        let said = written.remove(&name);
        let said = said.unwrap_or_else(|| panic!("openapi/paths.yaml says nothing of `{name}`"));
        let operation = operation(&place, &said, &components);
        let methods = paths.entry(place.path).or_default();
        methods.insert(place.method.to_ascii_lowercase(), operation);
    }
    let unknown: Vec<&String> = written.keys().collect();
    assert!(unknown.is_empty(), "nothing leads to {unknown:?}");
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Esclusa",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "An AI gateway: inference in the wires of OpenAI, Anthropic, Google and Cloudflare's gateway, and its administration.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "parameters": request_headers(&components),
            "schemas": components.schemas.into_iter().map(|(name, it)| (name, finished(it))).collect::<Map<_, _>>(),
            "securitySchemes": {
                "key": { "type": "http", "scheme": "bearer", "description": "The key of an org, `esk_…`; also in `x-api-key`, `x-goog-api-key` and `cf-aig-authorization`." },
                "admin": { "type": "http", "scheme": "bearer", "description": "The secret ESCLUSA_ADMIN_KEY, or a member's key, `esa_…`." },
            },
        },
    })
}

fn operation(place: &Place, said: &Written, components: &Components) -> Value {
    let mut operation = json!({
        "operationId": operation_id(place),
        "summary": said.summary,
        "tags": [tag(&place.path)],
        "parameters": parameters(place, said, components),
        "responses": answers(place, said),
        "security": security(place),
    });
    if let Some(permission) = place.permission {
        operation["x-permission"] = json!(permission);
    }
    if let Some(body) = &said.body {
        let content = content(body, false);
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    if let Some(reference) = &said.reference {
        operation["externalDocs"] = json!({ "url": reference });
    }
    operation
}

/// Unique, and the same as long as path and method are.
fn operation_id(place: &Place) -> String {
    let words = place.path.split(|it: char| !it.is_ascii_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    let path: Vec<&str> = words.collect();
    format!("{}_{}", place.method.to_ascii_lowercase(), path.join("_"))
}

fn tag(path: &str) -> &str {
    let mut segments = path.split('/').filter(|it| !it.is_empty());
    match (segments.next(), segments.nth(1)) {
        (Some("admin"), _) => "administration",
        (Some("health" | "openapi.json"), _) => "deployment",
        (Some("v1"), _) if path.starts_with("/v1/knowledge") => "knowledge",
        (Some("v1"), _) if !path.starts_with("/v1/{") => "inference",
        _ => "gateway",
    }
}

fn security(place: &Place) -> Value {
    match (place.permission, tag(&place.path)) {
        (Some(_), _) => json!([{ "admin": [] }]),
        (None, "deployment") => json!([]),
        _ => json!([{ "key": [] }]),
    }
}

fn parameters(place: &Place, said: &Written, components: &Components) -> Vec<Value> {
    let of_path = place.path.split('{').skip(1).map(|rest| {
        let name = rest.split('}').next().unwrap();
        json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
    });
    let named = said.query.iter().chain(&said.headers).map(|name| {
        let found = components.parameters.get(name);
        let mut parameter = found
            .unwrap_or_else(|| panic!("no parameter {name}"))
            .clone();
        if parameter["name"].is_null() {
            parameter["name"] = json!(name);
        }
        parameter
    });
    let of_calls = components.request_headers.keys().filter(|_| is_call(place));
    let of_calls =
        of_calls.map(|name| json!({ "$ref": format!("#/components/parameters/{name}") }));
    of_path.chain(named).chain(of_calls).collect()
}

/// Whether a path with a method calls a model.
fn is_call(place: &Place) -> bool {
    let counts = ["count_tokens", "countTokens", "feedback"];
    place.method == "POST"
        && matches!(tag(&place.path), "inference" | "gateway")
        && !counts.iter().any(|end| place.path.ends_with(end))
}

/// The headers of calls, once for all paths.
fn request_headers(components: &Components) -> Map<String, Value> {
    let headers = components.request_headers.iter();
    let parameter = |(name, meaning): (&String, &String)| {
        let parameter = json!({
            "name": name, "in": "header", "description": meaning, "schema": { "type": "string" },
        });
        (name.clone(), parameter)
    };
    headers.map(parameter).collect()
}

fn answers(place: &Place, said: &Written) -> Value {
    let answers = said.answers.iter().map(|(status, text)| {
        let answer = if text == "-" {
            json!({ "description": "Done." })
        } else {
            let paged = said.query.iter().any(|name| name == "after");
            json!({ "description": "The answer.", "content": content(text, paged) })
        };
        (status.to_string(), answer)
    });
    let error = json!({
        "description": "An error, which says what to do.",
        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } },
    });
    let mut answers: Map<String, Value> = answers.collect();
    if tag(&place.path) != "deployment" {
        answers.insert("default".to_owned(), error);
    }
    Value::Object(answers)
}

/// `Name`, `[Name]`, `type/of/content Name`, several between commas.
fn content(text: &str, paged: bool) -> Value {
    let entries = text.split(", ").map(|entry| {
        let (kind, name) = entry.split_once(' ').unwrap_or(("application/json", entry));
        let list = name.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        let schema = match list {
            Some(name) => list_of(name, paged),
            None => reference(name),
        };
        (kind.to_owned(), json!({ "schema": schema }))
    });
    Value::Object(entries.collect())
}

fn list_of(name: &str, paged: bool) -> Value {
    let mut list = json!({
        "type": "object",
        "required": ["object", "data"],
        "properties": {
            "object": { "const": "list" },
            "data": { "type": "array", "items": reference(name) },
        },
        "additionalProperties": false,
    });
    if paged {
        let next = "Pass as `after` for the next page; absent at the end.";
        list["properties"]["next"] = json!({ "type": "string", "description": next });
    }
    list
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// A schema as it is published: `closed` and short references spelled out.
fn finished(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut finished = Map::new();
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("closed", _) => {
                        finished.insert("additionalProperties".to_owned(), json!(false));
                    }
                    ("$ref", Value::String(to)) => finished.extend(match reference(&to) {
                        Value::Object(reference) => reference,
                        _ => Map::new(),
                    }),
                    (_, value) => {
                        finished.insert(name, self::finished(value));
                    }
                }
            }
            Value::Object(finished)
        }
        Value::Array(values) => values.into_iter().map(finished).collect(),
        other => other,
    }
}

/// Every reference names a schema, and every schema is referred to.
fn check_references(document: &Value) {
    let text = document.to_string();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for name in schemas.keys() {
        let to = format!("\"#/components/schemas/{name}\"");
        assert!(text.contains(&to), "nothing refers to {name}");
    }
    for part in text.split("\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "there is no schema {name}");
    }
}

#[test]
fn the_published_description_is_that_of_the_router_and_of_what_is_written_about_it() {
    let generated = generated();
    check_references(&generated);
    let text = format!("{}\n", serde_json::to_string_pretty(&generated).unwrap());
    let path = format!("{}/docs/openapi.json", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        fs::write(&path, &text).unwrap();
    }
    assert!(
        read("openapi.json") == text,
        "{path} is out of date: UPDATE_OPENAPI=1 cargo test --lib openapi"
    );
}

#[test]
fn every_described_path_is_found_for_its_methods_and_no_other() {
    use crate::http::{Endpoint, Method, resolve};
    let document: Value = serde_json::from_str(&read("openapi.json")).unwrap();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let example = path
            .replace("{model}:", "gemini-2.5-flash:")
            .replace("workers-ai/{model}", "workers-ai/@cf/a/b")
            .replace("{provider}", "openai")
            .replace(['{', '}'], "");
        for method in ["DELETE", "GET", "PATCH", "POST", "PUT"] {
            let described = methods.get(method.to_ascii_lowercase()).is_some();
            let found = match resolve(Method::parse(method), &example) {
                Ok(Endpoint::Admin(rest)) => crate::admin::takes(Method::parse(method), rest),
                found => found.is_ok(),
            };
            assert_eq!(found, described, "{method} {path}");
        }
    }
}

#[test]
fn a_deployment_gives_what_is_published() {
    let reply = super::document().unwrap();
    let crate::http::Body::Bytes(bytes) = reply.body else {
        panic!("no body");
    };
    let given: Value = serde_json::from_slice(&bytes).unwrap();
    let published: Value = serde_json::from_str(&read("openapi.json")).unwrap();
    assert!(given == published);
}
