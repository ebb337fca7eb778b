//! The deployment's configuration as the governors of orgs have it.

use esclusa::governor::command::{Activate, Command, Reply, Reserve, Versions};
use esclusa::governor::defaults::{LeftOut, Part};
use esclusa::governor::root::ROOT;
use esclusa::governor::rules::Rules;
use esclusa::governor::switches::{Edition, Turn};
use esclusa::governor::{AlwaysUtc, Governor};
use esclusa::money::Nanos;

use super::storage::*;

fn of_deployment(version: u64, rules: Rules) -> Command {
    Command::Adopt(Edition {
        deployment: Some(Box::new(Activate {
            version,
            rules,
            left_out: LeftOut::new(),
        })),
        ..Edition::default()
    })
}

fn leaving(version: u64, parts: &[Part]) -> Command {
    let left_out = parts.iter().copied().collect();
    let rules = rules(vec![per_minute(1)], vec![daily(1)]);
    Command::Activate(Activate {
        version,
        rules,
        left_out,
    })
}

fn limits(world: &mut World) -> (u64, Option<i64>) {
    let state = world.state();
    let budget = state.budgets.iter().find(|budget| budget.name == "day");
    let amount = budget.and_then(|budget| budget.limit);
    (state.limits[0].limit, amount.map(Nanos::get))
}

#[test]
fn what_a_configuration_leaves_out_is_the_deployments() {
    let mut world = World::empty();
    world.run(leaving(1, &[Part::Limits]));
    assert_eq!(limits(&mut world), (1, Some(1)));
    world.run(of_deployment(
        1,
        rules(vec![per_minute(7)], vec![daily(70)]),
    ));
    assert_eq!(limits(&mut world), (7, Some(1)));
    world.run(leaving(2, &[Part::Budgets, Part::Limits]));
    assert_eq!(limits(&mut world), (7, Some(70)));
    world.crash();
    assert_eq!(limits(&mut world), (7, Some(70)));
    world.run(leaving(3, &[]));
    assert_eq!(limits(&mut world), (1, Some(1)));
    world.check();
}

#[test]
fn a_plan_of_before_is_refused_and_an_older_edition_changes_nothing() {
    let mut world = World::with(None, None);
    let planned = world.state().versions;
    world.run(of_deployment(2, Rules::default()));
    let reserve = Reserve {
        planned,
        ..reservation("a")
    };
    let versions = Versions {
        deployment: 2,
        ..planned
    };
    let asked = world.run(Command::Reserve(reserve.clone()));
    assert_eq!(asked, Reply::Stale { versions });
    world.run(of_deployment(1, Rules::default()));
    let again = Reserve {
        planned: versions,
        ..reserve
    };
    assert!(is_admitted(&world.run(Command::Reserve(again))));
    world.check();
}

#[test]
fn the_root_gives_its_configuration_with_the_switches() {
    let mut root = Governor::new(ROOT, std::rc::Rc::new(AlwaysUtc));
    let mut storage = Storage::default();
    let mut run = |command: Command| {
        let envelope = esclusa::governor::command::Envelope::new(command);
        root.execute(&envelope, START, &mut storage).unwrap()
    };
    let copy = || Command::Copy {
        org: ORG.to_owned(),
    };
    let Reply::Switches(edition) = run(copy()) else {
        panic!("no edition");
    };
    assert_eq!(edition.deployment, None);
    run(activate(3, Some(5), None));
    run(Command::Turn(Turn {
        subject: "everything".parse().unwrap(),
        on: Some(esclusa::governor::switches::Switch::default()),
        of: Some(0),
    }));
    let Reply::Switches(edition) = run(copy()) else {
        panic!("no edition");
    };
    assert_eq!((edition.number, edition.deployment_version()), (1, 3));
}
