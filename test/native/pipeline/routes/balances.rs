//! Splits and balances: who gets which model, and what is learnt of them.

use super::*;

#[test]
fn a_split_is_the_same_for_a_user_each_time() {
    let acme = with(&json!([
        start("ab"),
        { "id": "ab", "type": "split", "properties": { "by": "user" },
          "outputs": { "50%": { "elementId": "a" }, "else": { "elementId": "b" } } },
        model("a", GPT, None),
        model("b", MINI, None),
        end(),
    ]));
    let of = |user: &str| answered_by(&acme, acme.request(&ask("r")).header("x-ai-user", user));
    let users: Vec<String> = (0..60).map(|number| format!("user {number}")).collect();
    let first: Vec<String> = users.iter().map(|user| of(user)).collect();
    let again: Vec<String> = users.iter().map(|user| of(user)).collect();
    assert_eq!(first, again);
    let with_a = first.iter().filter(|model| *model == GPT).count();
    assert!((15..=45).contains(&with_a), "{with_a} of 60");
}

#[test]
fn splits_of_two_routes_are_independent() {
    let elements = json!([
        start("ab"),
        { "id": "ab", "type": "split", "properties": { "by": "user" },
          "outputs": { "50%": { "elementId": "a" }, "else": { "elementId": "b" } } },
        model("a", GPT, None),
        model("b", MINI, None),
        end(),
    ]);
    let route = json!({ "elements": elements }).to_string();
    let acme = Acme::with(&routes(&[("one", &route), ("two", &route)]));
    let of = |route: &str, user: &str| {
        answered_by(&acme, acme.request(&ask(route)).header("x-ai-user", user))
    };
    let users = (0..60).map(|number| format!("user {number}"));
    let same = users.filter(|user| of("one", user) == of("two", user));
    let same = same.count();
    assert!((15..=45).contains(&same), "{same} of 60");
}

/// A route that prefers what answers sooner.
fn quickest() -> Acme {
    with(&json!([
        start("lb"),
        { "id": "lb", "type": "load_balance", "properties": { "strategy": "least_latency" },
          "outputs": { "a": { "elementId": "a" }, "b": { "elementId": "b" } } },
        model("a", GPT, None),
        model("b", MINI, None),
        end(),
    ]))
}

#[test]
fn one_request_finds_out_how_quick_a_model_is_and_the_others_do_not_wait() {
    let acme = quickest();
    acme.world.provider.always(GPT, Act::Slow(20_000));
    let executor = &acme.world.shared.executor;
    for _ in 0..10 {
        let (worker, request) = (acme.worker.clone(), acme.request(&ask("r")));
        let task = async move {
            let response = worker.open(request).await.finish().await;
            assert_eq!(response.status, 200);
        };
        executor.spawn(1, Box::pin(task));
        executor.pass(100);
    }
    let asked = acme.world.provider.answered_by();
    let slow = asked.iter().filter(|model| *model == GPT).count();
    assert_eq!((slow, asked.len()), (1, 10));
    executor.pass(30_000);
}

#[test]
fn a_model_that_was_slow_once_is_looked_at_again() {
    let acme = quickest();
    acme.world.provider.once(GPT, Act::Slow(5_000));
    acme.world.provider.always(MINI, Act::Slow(400));
    let answers = || answered_by(&acme, acme.request(&ask("r")));
    assert_eq!(
        (answers(), answers(), answers()),
        (GPT.into(), MINI.into(), MINI.into())
    );
    for _ in 0..9 {
        acme.world.shared.executor.pass(20_000);
        assert_eq!(answers(), MINI);
    }
    acme.world.shared.executor.pass(60_000);
    let later = [answers(), answers(), answers()];
    assert!(later.contains(&GPT.to_owned()), "{later:?}");
    assert_eq!(answers(), GPT, "it is quick now");
}

#[test]
fn a_balance_prefers_and_falls_over_to_the_others() {
    let balance = |properties: &Value| {
        with(&json!([
            start("lb"),
            { "id": "lb", "type": "load_balance", "properties": properties,
              "outputs": { "a": { "elementId": "a" }, "b": { "elementId": "b" }, "c": { "elementId": "c" } } },
            model("a", GPT, None),
            model("b", MINI, None),
            model("c", LLAMA_SMALL, None),
            end(),
        ]))
    };
    let cheapest = balance(&json!({ "strategy": "least_cost" }));
    assert_eq!(
        answered_by(&cheapest, cheapest.request(&ask("r"))),
        LLAMA_SMALL
    );
    cheapest
        .world
        .provider
        .always(LLAMA_SMALL, Act::Status(500, "{}"));
    let other = answered_by(&cheapest, cheapest.request(&ask("r")));
    assert_eq!(other, MINI, "the next cheapest takes over");
    let weighted =
        balance(&json!({ "strategy": "weights", "weights": { "a": 0, "b": 3, "c": 1 } }));
    let mut minis = 0;
    for _ in 0..200 {
        let model = answered_by(&weighted, weighted.request(&ask("r")));
        assert_ne!(model, GPT);
        minis += u32::from(model == MINI);
    }
    assert!((120..=180).contains(&minis), "{minis} of 200");
}

#[test]
fn a_balance_learns_who_answers_soonest() {
    let acme = with(&json!([
        start("lb"),
        { "id": "lb", "type": "load_balance", "properties": { "strategy": "least_latency" },
          "outputs": { "a": { "elementId": "a" }, "b": { "elementId": "b" } } },
        model("a", GPT, None),
        model("b", MINI, None),
        end(),
    ]));
    acme.world.provider.always(GPT, Act::Slow(900));
    acme.world.provider.always(MINI, Act::Slow(100));
    let asked: Vec<String> = (0..4)
        .map(|_| answered_by(&acme, acme.request(&ask("r"))))
        .collect();
    assert_eq!(asked, [GPT, MINI, MINI, MINI], "each is tried once");
    acme.world.provider.always(MINI, Act::Status(500, "{}"));
    for _ in 0..10 {
        assert_eq!(answered_by(&acme, acme.request(&ask("r"))), GPT);
    }
    let calls = acme.world.provider.calls.borrow();
    let of_mini = calls.iter().filter(|call| call.model == MINI).count();
    assert!(of_mini <= 3 + 6, "its breaker is open: {of_mini}");
}
