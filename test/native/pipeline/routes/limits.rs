//! Limits of routes: counted exactly, over isolates too, and told.

use std::cell::RefCell;
use std::rc::Rc;

use esclusa::governor::command::{Command, Reply};
use esclusa::ports::{ChainEnd, Governors, Pending};

use super::*;

#[test]
fn a_quota_diverts_each_user_when_it_is_used_up() {
    let acme = documented();
    let of = |user: &str| answered_by(&acme, metadata(&acme, "quota", &json!({ "user_id": user })));
    for _ in 0..100 {
        assert_eq!(of("ann"), LLAMA_SMALL);
    }
    assert_eq!(of("ann"), MINI);
    assert_eq!(of("bob"), LLAMA_SMALL, "others have their own");
    acme.world.shared.executor.pass(3_600_000);
    assert_eq!(of("ann"), LLAMA_SMALL);
    acme.check_released();
}

#[test]
fn a_quota_holds_over_isolates_at_once() {
    let acme = documented();
    let workers: Vec<Worker> = (1..=3).map(|group| acme.world.worker(group)).collect();
    acme.world.shared.latency.set(20);
    let requests = (0..150).map(|index| {
        let request = metadata(&acme, "quota", &json!({ "user_id": "ann" }));
        (workers[index % 3].clone(), request)
    });
    let responses = acme.world.send_all(requests.collect());
    let by = |model: &str| {
        let is = |response: &&Response| response.told("cf-aig-model") == model;
        responses.iter().filter(is).count()
    };
    assert_eq!((by(LLAMA_SMALL), by(MINI)), (100, 50));
    for response in &responses {
        assert_eq!(response.header("ratelimit"), None, "gates refuse nobody");
    }
}

#[test]
fn a_budget_diverts_each_team_when_it_is_spent() {
    let acme = documented();
    let used = Usage {
        input_tokens: 1_000,
        output_tokens: 1_000,
        ..Usage::default()
    };
    acme.world.provider.always(GPT, Act::Use(used));
    let of = |team: &str| answered_by(&acme, metadata(&acme, "budget", &json!({ "team": team })));
    // Each costs 0.0125 dollars of 0.02; the bound of the next one does not fit after the second.
    assert_eq!(of("red"), GPT);
    assert_eq!(of("red"), GPT);
    assert_eq!(of("red"), MINI);
    assert_eq!(of("blue"), GPT);
    acme.world.shared.executor.pass(86_400_000);
    assert_eq!(of("red"), GPT);
}

#[test]
fn a_month_s_budget_is_the_ledgers() {
    let acme = with(&json!([
        start("budget"),
        { "id": "budget", "type": "budget",
          "properties": { "limit": "0.02", "period": "month", "key": "user" },
          "outputs": { "success": { "elementId": "dear" }, "fallback": { "elementId": "cheap" } } },
        model("dear", GPT, None),
        model("cheap", MINI, None),
        end(),
    ]));
    let used = Usage {
        input_tokens: 1_000,
        output_tokens: 1_700,
        ..Usage::default()
    };
    acme.world.provider.always(GPT, Act::Use(used));
    let of = |user: &str| {
        let request = acme.request(&ask("r")).header("x-ai-user", user);
        answered_by(&acme, request)
    };
    assert_eq!((of("ann").as_str(), of("ann").as_str()), (GPT, MINI));
    assert_eq!(of("bob"), GPT);
    let limits = acme.limits();
    let budgets = limits["budgets"].as_array().unwrap();
    let gates: Vec<&Value> = budgets
        .iter()
        .filter(|it| it["name"] == "r/budget")
        .collect();
    assert_eq!(gates.len(), 2, "one for each user: {limits}");
    assert_eq!(gates[0]["spent_usd"], "0.0195");
    for gate in gates {
        let subject = gate["subject"].as_str().unwrap();
        assert!(!["ann", "bob"].contains(&subject), "by digest: {subject}");
    }
}

#[test]
fn a_limit_behind_a_model_counts_who_came_to_it() {
    let acme = with(&json!([
        start("first"),
        model("first", GPT, Some("limit")),
        { "id": "limit", "type": "rate",
          "properties": { "limitType": "count", "limit": 2, "window": 60 },
          "outputs": { "success": { "elementId": "second" } } },
        model("second", MINI, None),
        end(),
    ]));
    for _ in 0..5 {
        assert_eq!(answered_by(&acme, acme.request(&ask("r"))), GPT);
    }
    acme.world.provider.always(GPT, Act::Status(500, "{}"));
    for _ in 0..2 {
        assert_eq!(answered_by(&acme, acme.request(&ask("r"))), MINI);
    }
    let third = acme.send(&ask("r"));
    assert_eq!(third.status, 502, "GPT alone is left: {}", third.text());
    let taken = acme.record(&third).draft.route.unwrap();
    assert_eq!(taken.nodes, ["start", "first"]);
}

#[test]
fn a_limit_that_leads_nowhere_refuses_and_says_when_to_come_back() {
    let acme = with(&json!([
        start("limit"),
        { "id": "limit", "type": "rate_limit",
          "properties": { "limitType": "count", "limit": 1, "interval": 60, "technique": "sliding" },
          "outputs": { "success": { "elementId": "only" } } },
        model("only", MINI, None),
        end(),
    ]));
    acme.ask(&ask("r"));
    let refused = acme.send(&ask("r"));
    let message = check_error(&refused, 429, "rate_limit_exceeded");
    assert!(message.contains("`limit` of the route `r`"), "{message}");
    assert_eq!(refused.told("retry-after"), "60");
    let record = acme.record(&refused);
    assert_eq!(record.draft.outcome, Outcome::Refused);
    assert_eq!(record.draft.route.unwrap().nodes, ["start", "limit"]);
    acme.world.shared.executor.pass(60_000);
    acme.ask(&ask("r"));
}

#[test]
fn a_condition_on_the_budget_sees_the_ledger() {
    let mut config = routes(&[]);
    config["budgets"] = json!([{ "usd": "1.00", "period": "day" }]);
    config["routes"]["r"] = json!({ "elements": [
        start("if"),
        { "id": "if", "type": "conditional", "properties": { "condition": { "budget_left_usd": { "$gte": 0.5 } } },
          "outputs": { "true": { "elementId": "dear" }, "false": { "elementId": "cheap" } } },
        model("dear", GPT, None),
        model("cheap", MINI, None),
        end(),
    ] });
    let acme = Acme::with(&config);
    let used = Usage {
        input_tokens: 1_000,
        output_tokens: 60_000,
        ..Usage::default()
    };
    acme.world.provider.once(GPT, Act::Use(used));
    assert_eq!(answered_by(&acme, acme.request(&ask("r"))), GPT);
    assert_eq!(
        answered_by(&acme, acme.request(&ask("r"))),
        MINI,
        "0.4 are left"
    );
}

/// An administrator changes the org after the first look at its money.
struct ChangedMeanwhile {
    inner: Rc<dyn Governors>,
    worker: Worker,
    change: RefCell<Option<Request>>,
}

impl Governors for ChangedMeanwhile {
    fn execute<'a>(&'a self, org: &'a str, command: Command) -> Pending<'a, Reply> {
        let looks = matches!(command, Command::Inspect { .. });
        Box::pin(async move {
            let reply = self.inner.execute(org, command).await;
            let change = self.change.borrow_mut().take_if(|_| looks);
            if let Some(change) = change {
                let changed = self.worker.clone().open(change).await.finish().await;
                assert_eq!(changed.status, 200, "{}", changed.text());
            }
            reply
        })
    }

    fn flush<'a>(&'a self, org: &'a str) -> Pending<'a, ()> {
        self.inner.flush(org)
    }

    fn purge<'a>(&'a self, org: &'a str) -> Pending<'a, ()> {
        self.inner.purge(org)
    }

    fn chain<'a>(&'a self, org: &'a str, after: u64) -> Pending<'a, ChainEnd> {
        self.inner.chain(org, after)
    }
}

#[test]
fn a_budget_that_is_cut_meanwhile_is_looked_up_anew() {
    let mut config = routes(&[]);
    config["routes"]["r"] = json!({ "elements": [
        start("if"),
        { "id": "if", "type": "conditional", "properties": { "condition": { "budget_left_usd": { "$gte": 0.5 } } },
          "outputs": { "true": { "elementId": "dear" }, "false": { "elementId": "cheap" } } },
        model("dear", GPT, None),
        model("cheap", MINI, None),
        end(),
    ] });
    config["budgets"] = json!([{ "usd": "1.00", "period": "day" }]);
    let acme = Acme::with(&config);
    config["budgets"] = json!([{ "usd": "0.40", "period": "day" }]);
    let put = Request::new("PUT", "/admin/v1/orgs/acme/config").admin();
    let mut worker = acme.worker.clone();
    worker.ports.governors = Rc::new(ChangedMeanwhile {
        inner: Rc::clone(&worker.ports.governors),
        worker: acme.world.worker(2),
        change: RefCell::new(Some(put.json(&config))),
    });
    let request = acme.request(&ask("r"));
    let response = acme.world.expect(&worker, request, 200);
    assert_eq!(response.told("cf-aig-model"), MINI);
}

#[test]
fn a_leased_org_asks_for_what_goes_through_a_gate() {
    let mut config = routes(&[("quota", QUOTA), ("segments", SEGMENTS)]);
    config["admission"] = json!("leased");
    let acme = Acme::with(&config);
    for _ in 0..100 {
        let request = metadata(&acme, "quota", &json!({ "user_id": "ann" }));
        assert_eq!(answered_by(&acme, request), LLAMA_SMALL);
    }
    let request = metadata(&acme, "quota", &json!({ "user_id": "ann" }));
    assert_eq!(answered_by(&acme, request), MINI);
}

#[test]
fn a_spent_budget_of_the_org_comes_before_the_route() {
    let mut config = routes(&[("segments", SEGMENTS)]);
    config["budgets"] =
        json!([{ "usd": "0", "period": "day", "when_spent": { "downgrade": LLAMA_SMALL } }]);
    let acme = Acme::with(&config);
    let response = acme.ask(&ask("segments"));
    assert_eq!(response.told("cf-aig-model"), LLAMA_SMALL);
    assert_eq!(response.header("x-ai-route"), None);
}
