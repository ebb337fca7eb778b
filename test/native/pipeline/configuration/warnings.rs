//! What a configuration is warned of that is taken all the same.

use super::*;

#[test]
fn models_that_are_retired_are_warned_of_before_their_day() {
    let acme = Acme::new();
    let model = |day: &str| {
        json!({
            "provider": "workers-ai", "kind": "chat", "wire": "workers_ai_chat",
            "price": { "tokens": { "input": "1", "output": "1" } },
            "context_window": 32000, "max_output": 8000, "deprecated": day,
        })
    };
    let today = chrono::DateTime::from_timestamp_millis(
        i64::try_from(acme.world.shared.clock.wall()).unwrap(),
    );
    let today = today.unwrap().date_naive();
    let day = |days: i64| (today + chrono::Duration::days(days)).to_string();
    let config = json!({
        "models": {
            "@cf/a/far": model(&day(91)),
            "@cf/a/near": model(&day(90)),
            "@cf/a/past": model(&day(-1)),
            "@cf/a/unused": model(&day(-1)),
        },
        "tiers": { "light": ["@cf/a/far", "@cf/a/near"] },
        "aliases": { "old": "@cf/a/past" },
    });
    let warnings = json!([
        { "path": "tiers.light[1]", "reason": format!("@cf/a/near is retired on {}, in 90 days: replace it before", day(90)) },
        { "path": "aliases.old", "reason": format!("@cf/a/past was retired on {}: replace it", day(-1)) },
    ]);
    let validate = request("POST", "/validate").json(&config);
    let validated = expect(&acme, validate, 200).json();
    assert_eq!(validated["warnings"], warnings, "{validated}");
    assert_eq!(put(&acme, &config)["warnings"], warnings);
    assert_eq!(get(&acme, "")["warnings"], warnings);
    let models = Request::new("GET", "/admin/v1/models?org=acme&deprecated=true").admin();
    let models = expect(&acme, models, 200).json();
    let warned = |index: usize| &models["data"][index]["warning"];
    assert_eq!(models["data"].as_array().unwrap().len(), 4);
    assert_eq!(warned(0), &Value::Null);
    assert_eq!(warned(1), &warnings[0]["reason"]);
}

#[test]
fn what_admits_little_or_nothing_is_warned_of() {
    let acme = Acme::new();
    let config = json!({
        "credits": "prepaid",
        "limits": [{ "count": "tokens", "limit": 255, "seconds": 60 }],
    });
    let shown = put(&acme, &config);
    let paths = |shown: &Value| -> Vec<String> {
        let warnings = shown["warnings"].as_array().unwrap().iter();
        warnings
            .map(|it| it["path"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(paths(&shown), ["credits", "limits[0].limit"]);
    let short = shown["warnings"][1]["reason"].as_str().unwrap();
    assert!(short.contains("256 tokens"), "{short}");
    let paid = json!({ "id": "p1", "usd": "5" });
    let pay = Request::new("POST", "/admin/v1/orgs/acme/credits")
        .admin()
        .json(&paid);
    acme.world.expect(&acme.worker, pay, 200);
    assert_eq!(paths(&get(&acme, "")), ["limits[0].limit"]);
    let validate = request("POST", "/validate?merge=true");
    let enough = json!({ "limits": [{ "count": "tokens", "limit": 256, "seconds": 60 }] });
    let validated = expect(&acme, validate.json(&enough), 200).json();
    assert!(paths(&validated).is_empty(), "{validated}");
}

#[test]
fn fallbacks_and_helpers_that_are_retired_are_warned_of() {
    let acme = Acme::new();
    let model = |kind: &str| {
        json!({
            "provider": "workers-ai", "kind": kind,
            "price": { "tokens": { "input": "1", "output": "1" } },
            "context_window": 8000, "max_output": 4000, "deprecated": "2020-01-01",
        })
    };
    let mut chat = model("chat");
    chat["wire"] = json!("workers_ai_chat");
    let shown = put(
        &acme,
        &json!({
            "models": { "@cf/a/guard": model("guard"), "@cf/a/chat": chat },
            "fallbacks": { "light": ["@cf/a/chat"] },
            "helpers": {
                "decide": "@cf/cloudflare/clef-flash", "embed": "@cf/baai/bge-m3",
                "guard": "@cf/a/guard", "rerank": "@cf/baai/bge-reranker-base",
            },
        }),
    );
    let warnings = shown["warnings"].as_array().unwrap().iter();
    let paths: Vec<&Value> = warnings.map(|it| &it["path"]).collect();
    assert_eq!(paths, ["fallbacks.light[0]", "helpers.guard"]);
}
