//! Budgets of every period and scope, what happens when they are spent, alerts, the prepaid balance.

use std::rc::Rc;

use esclusa::audit::{Attempt, CacheStatus, Draft, Outcome};
use esclusa::governor::command::{
    BudgetState, Command, Refusal, Reply, Reserve, Settle, Target, TopUp,
};
use esclusa::governor::rules::{Budget, Period, Rules, WhenSpent};
use esclusa::governor::{Alert, Governor, Zones};
use esclusa::money::Nanos;

use super::storage::*;

fn budget(per: &str, period: Period, amount: i64, when_spent: WhenSpent) -> Budget {
    Budget {
        name: format!("{}-per-{per}", period.as_str()),
        per: per.parse().unwrap(),
        period,
        when_spent,
        ..daily(amount)
    }
}

fn budgeted(budgets: Vec<Budget>) -> World {
    World::ruled(rules(Vec::new(), budgets))
}

fn costing(request: &str, bound: i64) -> Reserve {
    Reserve {
        bound: Nanos::new(bound),
        ..reservation(request)
    }
}

fn of_user(request: &str, user: &str, bound: i64) -> Reserve {
    let mut reserve = costing(request, bound);
    user.clone_into(&mut reserve.subjects.user);
    reserve
}

fn passes(world: &mut World, reserve: Reserve) -> bool {
    is_admitted(&world.run(Command::Reserve(reserve)))
}

#[test]
fn an_unknown_user_has_the_general_budget_from_the_first_request_on() {
    let mut world = budgeted(vec![budget("user", Period::Month, 0, WhenSpent::Refuse)]);
    let reply = world.run(Command::Reserve(of_user("a", "never seen", 1)));
    assert_eq!(refusal(reply), spent("month-per-user"));
    assert!(
        !passes(&mut world, of_user("b", "", 1)),
        "nor does nobody escape it"
    );
}

#[test]
fn users_spend_apart_and_together() {
    let each = budget("user", Period::Day, 60, WhenSpent::Refuse);
    let all = budget("org", Period::Day, 100, WhenSpent::Refuse);
    let mut world = budgeted(vec![each, all]);
    assert!(passes(&mut world, of_user("a", "ann", 60)));
    let reply = world.run(Command::Reserve(of_user("b", "ann", 1)));
    assert_eq!(refusal(reply), spent("day-per-user"));
    let reply = world.run(Command::Reserve(of_user("c", "bob", 41)));
    assert_eq!(refusal(reply), spent("day-per-org"));
    assert!(passes(&mut world, of_user("d", "bob", 40)));
    world.run(settle("a", 10));
    assert!(passes(&mut world, of_user("e", "ann", 50)));
    world.check();
}

#[test]
fn each_period_begins_when_it_should() {
    // START is Friday, 2024-10-04.
    let start_of = |days: u64| START + days * DAY;
    for (period, ends) in [(Period::Day, 1), (Period::Week, 3), (Period::Month, 28)] {
        let mut world = budgeted(vec![budget("org", period, 10, WhenSpent::Refuse)]);
        assert!(passes(&mut world, costing("a", 10)));
        world.run(settle("a", 10));
        world.now = start_of(ends) - 1;
        assert!(!passes(&mut world, costing("b", 1)), "{period:?}");
        assert_eq!(world.state().budgets.last().unwrap().reset, Some(1));
        world.now += 1;
        assert!(passes(&mut world, costing("c", 10)), "{period:?}");
        world.check();
    }
    let mut world = budgeted(vec![budget("org", Period::Lifetime, 10, WhenSpent::Refuse)]);
    assert!(passes(&mut world, costing("a", 10)));
    world.run(settle("a", 10));
    world.now += 4_000 * DAY;
    assert!(!passes(&mut world, costing("b", 1)));
    assert_eq!(world.state().budgets.last().unwrap().reset, None);
    world.check();
}

/// Nine hours ahead of UTC.
struct Tokyo;

impl Zones for Tokyo {
    fn offset(&self, zone: &str, _: u64) -> Option<i64> {
        (zone == "Asia/Tokyo").then_some(9 * 60 * 60 * 1_000)
    }
}

#[test]
fn a_day_is_that_of_the_zone_and_a_new_zone_waits_for_its_end() {
    let day = budget("org", Period::Day, 10, WhenSpent::Refuse);
    let zoned = |zone: &str| Rules {
        time_zone: zone.to_owned(),
        ..rules(Vec::new(), vec![day.clone()])
    };
    let mut world = World::empty();
    world.zones = Rc::new(Tokyo);
    world.governor = Governor::new(ORG, world.zones.clone());
    world.run(activate_rules(1, zoned("Asia/Tokyo")));
    assert!(passes(&mut world, costing("a", 10)));
    world.run(settle("a", 10));
    // Midnight in Tokyo is 15:00 UTC.
    assert_eq!(
        world.state().budgets.last().unwrap().reset,
        Some(15 * 3_600)
    );
    world.run(activate_rules(2, zoned("UTC")));
    let later = |request: &str| {
        let mut reserve = costing(request, 10);
        reserve.planned.config = 2;
        reserve
    };
    world.now = START + 15 * 60 * MINUTE - 1;
    assert!(!passes(&mut world, later("b")));
    world.now += 1;
    assert!(passes(&mut world, later("c")));
    assert_eq!(world.state().budgets.last().unwrap().reset, Some(9 * 3_600));
    world.check();
}

#[test]
fn spending_before_a_budget_counts_for_the_whole_org() {
    let mut world = budgeted(Vec::new());
    assert!(passes(&mut world, costing("a", 70)));
    world.run(settle("a", 70));
    let month = budget("org", Period::Month, 100, WhenSpent::Refuse);
    world.run(activate_rules(2, rules(Vec::new(), vec![month])));
    let mut reserve = costing("b", 31);
    reserve.planned.config = 2;
    assert!(!passes(&mut world, reserve.clone()));
    reserve.draft.request = "c".to_owned();
    reserve.bound = Nanos::new(30);
    assert!(passes(&mut world, reserve));
}

#[test]
fn a_soft_budget_only_tells() {
    let soft = Budget {
        thresholds: vec![50, 100],
        ..budget("org", Period::Day, 100, WhenSpent::Allow)
    };
    let mut world = budgeted(vec![soft]);
    assert!(passes(&mut world, costing("a", 500)));
    world.run(settle("a", 500));
    assert!(passes(&mut world, costing("b", 500)));
    assert_eq!(thresholds(&mut world), [50, 100]);
    assert_eq!(world.state().remaining(), None, "it limits nothing");
}

#[test]
fn a_downgrade_is_asked_for_and_then_let_pass() {
    let cheaper = WhenSpent::Downgrade("light".to_owned());
    let soft = budget("org", Period::Day, 50, cheaper);
    let hard = Budget {
        name: "hard".to_owned(),
        ..budget("org", Period::Day, 100, WhenSpent::Refuse)
    };
    let mut world = budgeted(vec![soft, hard]);
    assert!(passes(&mut world, costing("a", 50)));
    let reply = world.read(Command::Reserve(costing("b", 20)));
    let route = "light".to_owned();
    assert_eq!(reply, Reply::Downgrade { route });
    let downgraded = |request: &str, bound| Reserve {
        route: Some("light".to_owned()),
        ..costing(request, bound)
    };
    assert!(passes(&mut world, downgraded("b", 20)));
    let reply = world.run(Command::Reserve(downgraded("c", 31)));
    assert_eq!(refusal(reply), spent("hard"), "a harder budget still holds");
    world.check();
}

#[test]
fn cached_answers_are_served_where_the_budget_says_so() {
    for (when_spent, served) in [(WhenSpent::CacheOnly, true), (WhenSpent::Refuse, false)] {
        let mut world = budgeted(vec![budget("org", Period::Day, 10, when_spent)]);
        let cached = |request: &str| {
            let mut reserve = costing(request, 0);
            reserve.draft.cache = CacheStatus::Hit;
            reserve
        };
        assert!(passes(&mut world, cached("before")));
        assert!(passes(&mut world, costing("a", 10)));
        world.run(settle("a", 10));
        assert_eq!(passes(&mut world, cached("after")), served);
        assert!(
            passes(&mut world, costing("free", 0)),
            "free models always pass"
        );
        let reason = refusal(world.run(Command::Reserve(costing("paid", 1))));
        assert!(
            matches!(reason, Refusal::BudgetExhausted { cache_only, .. } if cache_only == served)
        );
    }
}

#[test]
fn what_has_no_price_passes_no_budget_that_holds() {
    let unpriced = |request: &str| Reserve {
        unpriced: true,
        ..costing(request, 0)
    };
    let mut world = budgeted(vec![budget("org", Period::Day, 1_000, WhenSpent::Allow)]);
    assert!(passes(&mut world, unpriced("soft")));
    let mut world = budgeted(vec![budget("user", Period::Day, 1_000, WhenSpent::Refuse)]);
    assert_eq!(
        refusal(world.run(Command::Reserve(unpriced("hard")))),
        Refusal::Unpriced
    );
    assert_eq!(world.last_record().draft.status, 402);
    let prepaid = Rules {
        prepaid: true,
        ..Rules::default()
    };
    let mut world = World::ruled(prepaid);
    assert_eq!(
        refusal(world.run(Command::Reserve(unpriced("prepaid")))),
        Refusal::Unpriced
    );
}

fn alerts(world: &mut World) -> Vec<Alert> {
    match world.read(Command::Alerts { after: 0 }) {
        Reply::Alerts { alerts, .. } => alerts,
        other => panic!("{other:?}"),
    }
}

fn thresholds(world: &mut World) -> Vec<u8> {
    alerts(world).iter().map(|alert| alert.threshold).collect()
}

#[test]
fn thresholds_are_told_once_a_period_for_each_subject() {
    let each = Budget {
        thresholds: vec![50, 80, 100],
        ..budget("user", Period::Day, 100, WhenSpent::Refuse)
    };
    let mut world = budgeted(vec![each]);
    let spend = |world: &mut World, request: &str, user: &str, cost| {
        assert!(passes(world, of_user(request, user, cost)));
        world.run(settle(request, cost));
    };
    spend(&mut world, "a", "ann", 49);
    assert!(thresholds(&mut world).is_empty());
    spend(&mut world, "b", "ann", 1);
    assert_eq!(thresholds(&mut world), [50]);
    spend(&mut world, "c", "ann", 50);
    assert_eq!(
        thresholds(&mut world),
        [50, 80, 100],
        "jumped over 80 and told of it"
    );
    spend(&mut world, "d", "bob", 50);
    world.crash();
    let told = alerts(&mut world);
    assert_eq!(told.len(), 4);
    assert_eq!(
        (told[3].id, told[3].subject.as_str(), told[3].spent),
        (4, "bob", Nanos::new(50))
    );
    world.now += DAY;
    spend(&mut world, "e", "ann", 50);
    assert_eq!(thresholds(&mut world), [50, 80, 100, 50, 50]);
    world.check();
}

#[test]
fn alerts_wait_until_they_are_delivered() {
    let mut world = budgeted(vec![Budget {
        thresholds: vec![50, 100],
        ..daily(10)
    }]);
    world.run(reserve("a", 10));
    world.run(settle("a", 10));
    world.run(Command::Delivered { id: 1 });
    world.read(Command::Delivered { id: 1 });
    world.crash();
    let Reply::Alerts { alerts, delivered } = world.read(Command::Alerts { after: 1 }) else {
        panic!("no alerts")
    };
    assert_eq!((alerts.len(), delivered), (1, 1));
    world.storage.snapshot = Some(world.governor.snapshot().unwrap());
    world.crash();
    let restored = world.read(Command::Alerts { after: 1 });
    assert_eq!(restored, Reply::Alerts { alerts, delivered });
}

#[test]
fn a_cached_answer_that_costs_something_needs_the_money() {
    for when_spent in [WhenSpent::Refuse, WhenSpent::CacheOnly] {
        let mut world = budgeted(vec![Budget {
            when_spent,
            ..daily(10)
        }]);
        let cached = |request: &str, bound: i64| {
            let mut reserve = costing(request, bound);
            reserve.draft.cache = CacheStatus::Hit;
            reserve
        };
        assert!(!passes(&mut world, cached("dear", 11)));
        assert!(passes(&mut world, cached("cheap", 10)));
        assert!(passes(&mut world, cached("free", 0)));
    }
}

#[test]
fn a_negative_or_absurd_cost_of_a_call_is_the_bound_for_its_model_too() {
    let mut world = budgeted(vec![budget("model", Period::Day, 100, WhenSpent::Refuse)]);
    for (index, cost) in (0_i64..).zip([-5, i64::MIN, i64::MAX]) {
        let id = format!("r{index}");
        let target = Target {
            provider: "p".to_owned(),
            model: "m".to_owned(),
        };
        let reserve = Reserve {
            candidates: vec![target],
            ..costing(&id, 10)
        };
        assert!(passes(&mut world, reserve));
        let call = Attempt {
            model: "m".to_owned(),
            cost: Nanos::new(cost),
            ..Attempt::default()
        };
        let draft = Draft {
            attempts: vec![call],
            ..draft(&id)
        };
        world.run(Command::Settle(Settle {
            draft,
            cost: Nanos::new(cost),
            ..Settle::default()
        }));
    }
    let of_model = |it: &BudgetState| it.subject == "m";
    let budgets = world.state().budgets;
    let spent = budgets.into_iter().find(of_model).map(|it| it.spent.get());
    assert_eq!(spent, Some(30));
}

fn top_up(id: &str, amount: i64) -> Command {
    Command::TopUp(TopUp {
        id: id.to_owned(),
        amount: Nanos::new(amount),
        note: "invoice 7".to_owned(),
    })
}

#[test]
fn a_prepaid_org_spends_what_it_paid_in() {
    let mut world = World::ruled(Rules {
        prepaid: true,
        ..Rules::default()
    });
    assert_eq!(
        refusal(world.run(reserve("early", 1))),
        Refusal::CreditsExhausted
    );
    assert!(is_admitted(&world.run(reserve("free", 0))));
    world.run(top_up("p1", 100));
    world.read(top_up("p1", 100));
    let record = world.last_record();
    assert_eq!(
        (
            record.draft.outcome,
            record.credit,
            record.draft.note.as_str()
        ),
        (Outcome::ToppedUp, Nanos::new(100), "invoice 7")
    );
    assert!(is_admitted(&world.run(reserve("a", 60))));
    assert_eq!(
        refusal(world.run(reserve("b", 41))),
        Refusal::CreditsExhausted
    );
    assert!(is_admitted(&world.run(reserve("c", 40))));
    assert_eq!(
        refusal(world.run(extend("c", 1, 1))),
        Refusal::CreditsExhausted
    );
    world.run(settle("a", 10));
    let credits = world.state().credits.unwrap();
    assert_eq!((credits.balance.get(), credits.reserved.get()), (90, 40));
    assert_eq!(world.state().remaining(), Some(Nanos::new(50)));
    world.now += 6 * MINUTE;
    world.tick();
    assert_eq!(world.state().credits.unwrap().balance, Nanos::new(50));
    world.run(settle("c", 5));
    assert_eq!(world.state().credits.unwrap().balance, Nanos::new(85));
    world.check();
}

#[test]
fn a_budget_that_goes_and_comes_back_owes_nothing_to_what_went_before() {
    let each = budget("user", Period::Day, 100, WhenSpent::Refuse);
    let mut world = budgeted(vec![each.clone()]);
    assert!(passes(&mut world, of_user("a", "ann", 60)));
    assert!(passes(&mut world, of_user("late", "ann", 40)));
    world.now += 6 * MINUTE;
    world.tick();
    let mut open = of_user("open", "bob", 100);
    assert!(passes(&mut world, open.clone()));
    world.run(activate_rules(2, rules(Vec::new(), Vec::new())));
    world.run(activate_rules(3, rules(Vec::new(), vec![each])));
    world.run(settle("late", 0));
    world.run(settle("open", 0));
    for user in ["ann", "bob"] {
        open.draft.request = format!("too much for {user}");
        user.clone_into(&mut open.subjects.user);
        open.bound = Nanos::new(101);
        open.planned.config = 3;
        assert!(!passes(&mut world, open.clone()), "{user}");
    }
    let of_users = |state: &BudgetState| state.per.to_string() == "user";
    assert!(
        world
            .state()
            .budgets
            .iter()
            .filter(|it| of_users(it))
            .all(|it| it.spent >= Nanos::ZERO)
    );
    world.check();
}
