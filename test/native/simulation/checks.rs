//! What must hold when all is quiet again.

use std::collections::BTreeMap;

use esclusa::audit::{Flag, GENESIS, Outcome as Ending, Record, verify};
use esclusa::money::Nanos;
use serde_json::Value;

use super::clients::Seen;
use super::scenario::{Org, Outcome, Scenario, Told};
use super::world::http::Response;
use super::world::wires::END;

/// What a client may be answered. 500 is none of it.
const STATUSES: [u16; 9] = [200, 400, 401, 402, 404, 429, 502, 503, 504];

pub(crate) fn all(scenario: &Scenario) -> Outcome {
    let mut outcome = Outcome {
        dropped: scenario.dropped.get(),
        ..Outcome::default()
    };
    for org in &scenario.orgs {
        let records = scenario.world.records(org.name);
        check_chain(scenario, org);
        check_money(scenario, org, &records);
        check_endings(scenario, org, &records, &mut outcome);
        check_replies(scenario, org, &records, &mut outcome);
    }
    check_prompts(scenario);
    outcome.digest = scenario.world.shared.executor.digest();
    outcome
}

/// The audit log holds the whole chain, and nobody has touched it.
fn check_chain(scenario: &Scenario, org: &Org) {
    let sealed = scenario.world.database.sealed(org.name);
    let head = verify((0, GENESIS.to_owned()), &sealed).unwrap();
    assert_eq!(head.0, sealed.len() as u64);
}

/// Records, ledger, governor and what the administrator is shown agree, and nothing is held.
fn check_money(scenario: &Scenario, org: &Org, records: &[Record]) {
    let object = scenario.world.governors.of(org.name);
    let recorded: i128 = records
        .iter()
        .map(|record| i128::from(record.cost.get()))
        .sum();
    let charged = object.borrow_mut().charged();
    assert_eq!(recorded, charged, "records and charges of {}", org.name);
    let worker = scenario.any_worker();
    let limits = scenario.world.limits(&worker, org.name);
    let object = object.borrow();
    let ledger = object.ledger();
    assert_eq!(
        ledger.charged(),
        charged,
        "rows and charges of {}",
        org.name
    );
    let today = scenario.world.shared.clock.wall() / 86_400_000;
    let spent = Nanos::new(i64::try_from(ledger.spent(today)).unwrap());
    assert_eq!(limits["budgets"][0]["spent_usd"], spent.to_usd());
    assert_eq!(limits["budgets"][0]["reserved_usd"], "0");
    assert_eq!(
        (ledger.open(), &limits["open_reservations"]),
        (0, &Value::from(0))
    );
}

/// Every admitted request has exactly one end; whoever was not admitted has none, and no cost.
fn check_endings(scenario: &Scenario, org: &Org, records: &[Record], outcome: &mut Outcome) {
    let object = scenario.world.governors.of(org.name);
    let object = object.borrow();
    let admitted = &object.ledger().admitted;
    let mut ends: BTreeMap<&str, u64> = BTreeMap::new();
    for record in records {
        assert_eq!(record.org, org.name);
        assert!(
            !record.flags.contains(&Flag::Overrun),
            "the bound did not hold: {record:?}"
        );
        let ending = format!("{:?}", record.draft.outcome);
        *outcome.endings.entry(ending).or_default() += 1;
        match record.draft.outcome {
            Ending::Late => {}
            Ending::LeaseLost => assert_eq!(record.cost, record.bound),
            Ending::Refused | Ending::RefusedMany => assert_eq!(record.cost, Nanos::ZERO),
            // Its governor did not answer, and it turned out not to have admitted it.
            Ending::Failed if !admitted.contains_key(&record.draft.request) => {
                assert_eq!((record.cost, record.bound), (Nanos::ZERO, Nanos::ZERO));
            }
            _ => *ends.entry(&record.draft.request).or_default() += 1,
        }
    }
    let of_admitted: BTreeMap<&str, u64> = admitted.keys().map(|id| (id.as_str(), 1)).collect();
    assert_eq!(ends, of_admitted, "ends of {}", org.name);
    outcome.leased += object.ledger().leased;
}

/// Every reply is one that a client may get, of its own org, and as its record says.
fn check_replies(scenario: &Scenario, org: &Org, records: &[Record], outcome: &mut Outcome) {
    let mut of_request: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    for record in records {
        of_request
            .entry(&record.draft.request)
            .or_default()
            .push(record);
    }
    let seen = scenario.seen.borrow();
    for seen in seen.iter().filter(|seen| seen.org.name == org.name) {
        let response = &seen.response;
        *outcome.statuses.entry(response.status).or_default() += 1;
        assert!(
            STATUSES.contains(&response.status),
            "{} {}",
            response.status,
            response.text()
        );
        for other in scenario.orgs.iter().filter(|other| other.name != org.name) {
            assert!(
                !response.text().contains(&other.marker),
                "{} read of {}",
                org.name,
                other.name
            );
        }
        let records = of_request.get(response.told("x-request-id"));
        let records = records.map_or(&[][..], Vec::as_slice);
        if response.status == 200 {
            check_answer(scenario, seen, records, outcome);
        } else {
            assert!(records.len() <= 2, "{records:?}");
        }
        if response.status == 502 {
            let unsettled = records
                .iter()
                .any(|record| record.draft.outcome == Ending::Expired);
            outcome.failures.0 += 1;
            outcome.failures.1 += u64::from(unsettled);
        }
    }
}

fn check_answer(scenario: &Scenario, seen: &Seen, records: &[&Record], outcome: &mut Outcome) {
    let ends = records
        .iter()
        .filter(|record| record.draft.outcome != Ending::Late);
    let object = scenario.world.governors.of(seen.org.name);
    let lost_requests = object.borrow().ledger().lost_requests;
    match ends.count() {
        // Nobody told what became of its lease.
        0 => assert!(lost_requests > 0, "{:?}", seen.response),
        ends => assert_eq!(ends, 1, "{:?}", seen.response),
    }
    let hit = seen.response.told("x-ai-cache-status") == "HIT";
    outcome.hits += u64::from(hit);
    if let Some(told) = seen.response.header("x-ai-cost-usd") {
        let costs = records.iter().map(|record| record.cost);
        let charged = costs.fold(Nanos::ZERO, Nanos::saturating_add);
        let ended_as = |ending| records.iter().any(|record| record.draft.outcome == ending);
        // One whose governor stayed out of reach was charged at its bound, alone or with its lease.
        let settled = !records.is_empty() && ended_as(Ending::Expired) == ended_as(Ending::Late);
        if settled {
            assert_eq!(told, charged.to_usd(), "{records:?}");
            assert!(!hit || charged == Nanos::ZERO);
        }
    }
    let stream = seen
        .response
        .told("content-type")
        .starts_with("text/event-stream");
    let text = seen.response.text();
    let has_tool = text.contains("\"tool_calls\":[");
    let broken = stream && check_stream(&seen.response, has_tool);
    let whole = has_tool || seen.response.answer().ends_with(END);
    assert!(broken || whole, "half an answer as a whole one: {text}");
    if hit {
        assert!(
            !text.contains("\"finish_reason\":\"length\""),
            "cut off, yet kept: {text}"
        );
        let grounded = seen.response.header("x-ai-sources") == Some("1");
        let faq = seen.response.told("x-ai-operation") == "faq";
        assert!(grounded || !faq, "ungrounded, yet kept: {text}");
    }
    if let Some(record) = records.first() {
        check_freshness(scenario, seen, record);
        check_promises(seen, record);
    }
}

/// Whether a stream broke. One that did had begun: before that, another model takes over, unless its
/// headers could wait no longer.
fn check_stream(response: &Response, has_tool: bool) -> bool {
    let events = response.events();
    let last = events.last().unwrap();
    let broken = last.contains("\"error\"");
    assert!(broken || last == "[DONE]", "a stream just ended: {last}");
    let waited = response.header("x-ai-attempts").is_none();
    assert!(
        !broken || waited || has_tool || !response.answer().is_empty(),
        "{last}"
    );
    broken
}

/// Nothing that began after an administrator was told of a change was admitted without it.
fn check_promises(seen: &Seen, record: &Record) {
    let versions = record.draft.versions;
    for (at, told) in seen.org.told.borrow().iter() {
        if *at <= seen.since {
            match told {
                Told::Config(version) => assert!(versions.config >= *version, "{record:?}"),
                Told::Corpus(version) => assert!(versions.corpus >= *version, "{record:?}"),
                Told::Revoked(key) => assert_ne!(*key, record.draft.key, "{record:?}"),
            }
        }
    }
}

/// An answer, cached or not, is of the documents and the models in force when it was admitted.
fn check_freshness(scenario: &Scenario, seen: &Seen, record: &Record) {
    let versions = record.draft.versions;
    let org = &seen.org;
    let promised = org.promised.borrow();
    let floor = promised
        .iter()
        .filter(|(corpus, _)| *corpus <= versions.corpus);
    let floor = floor.map(|(_, version)| *version).max().unwrap_or(0);
    if let Some((_, rest)) = seen.response.answer().split_once("VERSION") {
        let (digits, after) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
        let version = if after.is_empty() {
            floor
        } else {
            digits.parse().unwrap()
        };
        assert!(
            version >= floor,
            "version {version} of a document that is at {floor}: {record:?}"
        );
    }
    if record.draft.operation == "faq" {
        let tables = scenario.world.database.tables.borrow();
        let version = record.draft.stale_config.unwrap_or(versions.config);
        let row = &tables.configs[&(org.name.to_owned(), version)];
        let config: Value = serde_json::from_str(&row.document).unwrap();
        // A stream that began before its first event does not name its model.
        let model = seen.response.header("cf-aig-model");
        if let (Some(light), Some(model)) = (config["tiers"]["light"].as_array(), model) {
            assert!(
                light.contains(&Value::from(model)),
                "{model} is not of {config}"
            );
        }
    }
}

/// No prompt holds what belongs to two orgs.
fn check_prompts(scenario: &Scenario) {
    for call in scenario.world.provider.calls.borrow().iter() {
        let input = call.input.to_string();
        let orgs = scenario
            .orgs
            .iter()
            .filter(|org| input.contains(&org.marker));
        assert!(orgs.count() <= 1, "{input}");
    }
}
