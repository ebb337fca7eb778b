//! Requests that turn out to be for something else once they are admitted.

use esclusa::audit::{Draft, Outcome};
use esclusa::governor::command::Target;
use esclusa::governor::command::{Command, Extend, Purpose, Refusal, Reply, Reserve, Tokens};
use esclusa::governor::rules::{Budget, Limit, Measure, Pace, Period, Rules, Scope, Window};
use esclusa::governor::switches::{Subject, Switch, Turn};
use esclusa::money::Nanos;

use super::storage::*;

fn target(model: &str) -> Target {
    Target {
        provider: "p".to_owned(),
        model: model.to_owned(),
    }
}

/// For the operation `chat`.
fn chatting(request: &str, bound: i64) -> Reserve {
    Reserve {
        draft: Draft {
            operation: "chat".to_owned(),
            tier: "medium".to_owned(),
            ..draft(request)
        },
        candidates: vec![target("large")],
        bound: Nanos::new(bound),
        tokens: Tokens {
            input: 10,
            output: 10,
        },
        ..reservation(request)
    }
}

/// It is for the operation `report`.
fn reports(request: &str, by: i64, output: u64, models: &[&str]) -> Command {
    let purpose = Purpose {
        operation: "report".to_owned(),
        tier: "heavy".to_owned(),
        tokens: Tokens { input: 10, output },
    };
    Command::Extend(Extend {
        request: request.to_owned(),
        step: u32::MAX,
        by: Nanos::new(by),
        purpose: Some(purpose),
        candidates: models.iter().map(|model| target(model)).collect(),
        ..Extend::default()
    })
}

fn budget(per: Scope, amount: i64) -> Budget {
    Budget {
        name: format!("{per:?}"),
        per,
        period: Period::Day,
        ..daily(amount)
    }
}

fn limit(per: Scope, measure: fn(Pace) -> Measure, limit: u64) -> Limit {
    let pace = Pace {
        seconds: 60,
        window: Window::Sliding,
    };
    Limit {
        name: format!("{per:?}"),
        per,
        measure: measure(pace),
        ..per_minute(u32::try_from(limit).unwrap())
    }
}

fn of_operation(limit_of: u64) -> Limit {
    limit(Scope::Operation, Measure::Requests, limit_of)
}

/// Spent and held of a budget, by subject, where there is any.
fn money(world: &mut World, per: &Scope) -> Vec<(String, i64, i64)> {
    let state = world.state();
    let budgets = state.budgets.iter().filter(|it| it.per == *per);
    budgets
        .map(|it| (it.subject.clone(), it.spent.get(), it.reserved.get()))
        .filter(|(_, spent, reserved)| (*spent, *reserved) != (0, 0))
        .collect()
}

/// Used of a limit, by subject.
fn used(world: &mut World, per: &Scope) -> Vec<(String, u64)> {
    let state = world.state();
    let limits = state.limits.iter().filter(|it| it.per == *per);
    limits.map(|it| (it.subject.clone(), it.used)).collect()
}

fn chosen(reply: Reply) -> usize {
    match reply {
        Reply::Admitted { candidate, .. } => candidate,
        other => panic!("{other:?}"),
    }
}

fn turned(world: &mut World, name: &str) {
    let turn = Turn {
        subject: name.parse::<Subject>().unwrap(),
        on: Some(Switch::default()),
        of: None,
    };
    world.run(Command::Turn(turn));
}

#[test]
fn money_is_held_and_charged_where_the_request_belongs() {
    let scopes = [Scope::Operation, Scope::Tier, Scope::Model, Scope::Key];
    let budgets = scopes.iter().map(|per| budget(per.clone(), 1_000));
    let mut world = World::ruled(rules(Vec::new(), budgets.collect()));
    world.run(Command::Reserve(chatting("a", 100)));
    assert_eq!(
        money(&mut world, &Scope::Operation),
        [("chat".to_owned(), 0, 100)]
    );
    assert_eq!(chosen(world.run(reports("a", 50, 10, &["small"]))), 0);
    world.check();
    let of = |name: &str, spent, held| vec![(name.to_owned(), spent, held)];
    let report = |spent, held| {
        [
            of("report", spent, held),
            of("heavy", spent, held),
            of("small", spent, held),
            of("key", spent, held),
        ]
    };
    let told = |world: &mut World| scopes.clone().map(|per| money(world, &per));
    assert_eq!(told(&mut world), report(0, 150));
    world.crash();
    assert_eq!(told(&mut world), report(0, 150), "as the journal has it");
    assert_eq!(
        chosen(world.read(reports("a", 50, 10, &["x", "small"]))),
        1,
        "it counts once"
    );
    let mut end = settlement("a", 70);
    end.draft.operation = "report".to_owned();
    world.run(Command::Settle(end));
    let [operation, tier, _, key] = told(&mut world);
    assert_eq!(
        (operation, tier, key),
        (of("report", 70, 0), of("heavy", 70, 0), of("key", 70, 0))
    );
    assert_eq!(today(&world.state()).spent.get(), 70);
    world.check();
}

#[test]
fn what_is_not_settled_is_charged_where_it_belongs() {
    let mut world = World::ruled(rules(Vec::new(), vec![budget(Scope::Operation, 1_000)]));
    world.run(Command::Reserve(chatting("a", 100)));
    world.run(reports("a", 50, 10, &[]));
    world.now += 6 * MINUTE;
    world.tick();
    let record = world.last_record();
    assert_eq!(
        (record.draft.outcome, record.draft.operation.as_str()),
        (Outcome::Expired, "report")
    );
    assert_eq!(
        money(&mut world, &Scope::Operation),
        [("report".to_owned(), 150, 0)]
    );
    world.check();
}

#[test]
fn what_its_operation_does_not_admit_changes_nothing() {
    let mut world = World::ruled(Rules {
        ..rules(
            vec![of_operation(1)],
            vec![Budget {
                only: Some("report".to_owned()),
                ..budget(Scope::Operation, 120)
            }],
        )
    });
    world.run(Command::Reserve(chatting("a", 100)));
    let before = world.state();
    let refused = refusal(world.read(reports("a", 50, 10, &[])));
    assert_eq!(refused, spent("Operation"), "of 150, not of 50");
    assert_eq!(world.state(), before);
    assert!(is_admitted(&world.run(reports("a", 20, 10, &[]))));
    world.now += 1;
    assert!(
        is_admitted(&world.run(Command::Reserve(chatting("b", 0)))),
        "the first does not count as chat any more"
    );
    let refused = refusal(world.read(reports("b", 0, 10, &[])));
    assert!(
        matches!(refused, Refusal::RateLimited { .. }),
        "{refused:?}"
    );
    assert_eq!(
        used(&mut world, &Scope::Operation),
        [("chat".to_owned(), 1), ("report".to_owned(), 1)]
    );
    world.check();
}

#[test]
fn an_operation_that_is_off_admits_nothing_that_turns_out_to_be_for_it() {
    let mut world = World::with(None, None);
    world.run(Command::Reserve(chatting("a", 0)));
    turned(&mut world, "operation/report");
    let refused = refusal(world.read(reports("a", 0, 10, &["small"])));
    assert!(
        matches!(&refused, Refusal::Killed { subject, .. } if subject.to_string() == "operation/report"),
        "{refused:?}"
    );
    assert!(is_admitted(&world.run(extend("a", 0, 0))), "it goes on");
    world.check();
}

#[test]
fn models_that_are_off_or_at_their_limit_are_passed_over() {
    let mut world = World::limited(vec![limit(Scope::Model, Measure::Requests, 1)]);
    turned(&mut world, "model/off");
    world.run(Command::Reserve(chatting("a", 0)));
    assert_eq!(chosen(world.run(reports("a", 0, 10, &["off", "small"]))), 1);
    assert_eq!(
        used(&mut world, &Scope::Model),
        [("small".to_owned(), 1)],
        "no longer of the model that was not asked"
    );
    world.run(Command::Reserve(chatting("b", 0)));
    assert_eq!(
        chosen(world.run(reports("b", 0, 10, &["small", "large"]))),
        1
    );
    world.run(Command::Reserve(Reserve {
        candidates: Vec::new(),
        ..chatting("c", 0)
    }));
    let none = refusal(world.read(reports("c", 0, 10, &["off", "small"])));
    assert!(matches!(none, Refusal::RateLimited { .. }), "{none:?}");
    world.check();
}

#[test]
fn more_tokens_than_a_limit_has_left_are_not_admitted() {
    let tokens = |per| limit(per, Measure::OutputTokens, 100);
    let mut world = World::limited(vec![tokens(Scope::Org), tokens(Scope::Operation)]);
    world.run(Command::Reserve(chatting("a", 0)));
    world.run(Command::Reserve(chatting("b", 0)));
    assert!(is_admitted(&world.run(reports("a", 0, 85, &[]))));
    assert_eq!(used(&mut world, &Scope::Org), [(String::new(), 95)]);
    let refused = refusal(world.read(reports("b", 0, 16, &[])));
    assert!(
        matches!(refused, Refusal::RateLimited { .. }),
        "{refused:?}"
    );
    world.now += 1;
    world.run(settle("a", 0));
    assert_eq!(used(&mut world, &Scope::Org), [(String::new(), 10)]);
    assert!(is_admitted(&world.run(reports("b", 0, 16, &[]))));
    world.check();
}
