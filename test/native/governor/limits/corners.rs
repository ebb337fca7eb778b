//! Where limits were wrong once, and where they are at their ends.

use serde_json::Value;

use super::*;

#[test]
fn a_bucket_gives_back_only_what_has_not_drained() {
    let window = Window::TokenBucket;
    let minute = Pace {
        seconds: 60,
        window,
    };
    let mut world = World::limited(vec![limit("org", Measure::Tokens(minute), 100)]);
    assert!(passes(&mut world, with_tokens("a", 50, 0)));
    world.now += 30 * SECOND;
    assert!(passes(&mut world, with_tokens("b", 50, 0)));
    used_tokens(&mut world, "a", 0, 0);
    assert_eq!(
        world.state().limits[0].used,
        50,
        "what `b` holds is not given back with `a`"
    );
    assert!(!passes(&mut world, with_tokens("c", 51, 0)));
}

#[test]
fn a_repetition_is_told_the_candidate_of_the_first_time() {
    let cheap = Limit {
        only: Some("cheap".to_owned()),
        ..requests("model", 0)
    };
    let mut world = World::limited(vec![cheap]);
    assert_eq!(ask(&mut world, candidates("a")), Ok(1));
    world.crash();
    assert_eq!(ask(&mut world, candidates("a")), Ok(1));
    let dearer = Reserve {
        bound: Nanos::new(1),
        ..candidates("a")
    };
    assert_eq!(ask(&mut world, dearer), Ok(1));
}

#[test]
fn a_bucket_counts_what_was_used_beyond_what_has_drained() {
    let window = Window::TokenBucket;
    let second = Pace { seconds: 1, window };
    let mut world = World::limited(vec![limit("user", Measure::Tokens(second), 100)]);
    assert!(passes(&mut world, with_tokens("a", 1, 0)));
    world.now += MINUTE;
    world.run(settle("unrelated", 0));
    world.run(settle("another", 0));
    used_tokens(&mut world, "a", 1_000, 0);
    assert!(!passes(&mut world, with_tokens("b", 1, 0)));
}

#[test]
fn further_subjects_share_a_place_where_a_rule_has_too_many() {
    let mut world = World::limited(vec![requests("user", 1)]);
    let of_user = |user: &str| {
        let mut reserve = reservation(user);
        user.clone_into(&mut reserve.subjects.user);
        reserve
    };
    assert!(passes(&mut world, of_user("known")));
    // As after 100,000 users in a minute.
    let mut snapshot: Value = serde_json::from_str(&world.governor.snapshot().unwrap()).unwrap();
    let places = &mut snapshot["state"]["meters"]["flows"]["families"][0][1];
    let counted = places["known"].clone();
    let users = (0..100_000).map(|index| (format!("u{index}"), counted.clone()));
    places.as_object_mut().unwrap().extend(users);
    world.storage.snapshot = Some(snapshot.to_string());
    world.crash();
    assert!(passes(&mut world, of_user("one more")));
    assert!(
        !passes(&mut world, of_user("and another")),
        "they share one"
    );
    assert!(!passes(&mut world, of_user("u7")), "its own place is full");
}
