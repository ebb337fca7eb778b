//! Records that were archived are found like the others.

use esclusa::upkeep::hourly as keep;
use serde_json::Value;

use super::support::*;

const MONTH_MS: i64 = 31 * 86_400_000;

fn ask(acme: &Acme, user: &str) -> String {
    let request = acme
        .request(&question("light", "Hello"))
        .header("x-ai-user", user);
    let response = acme.world.expect(&acme.worker, request, 200);
    response.told("x-request-id").to_owned()
}

/// A month passes, and what is older goes to the archive.
fn month(acme: &Acme) {
    acme.world.records("acme");
    acme.world.shared.clock.jump(MONTH_MS);
    let ports = acme.worker.ports.clone();
    let kept = async move { keep(&ports).await };
    acme.world.shared.executor.block_on(kept);
}

fn page(acme: &Acme, query: &str) -> Value {
    let get = Request::new("GET", &format!("/admin/v1/audit?org=acme{query}")).admin();
    acme.world.expect(&acme.worker, get, 200).json()
}

fn seqs(page: &Value) -> Vec<u64> {
    let data = page["data"].as_array().unwrap().iter();
    data.map(|entry| entry["seq"].as_u64().unwrap()).collect()
}

/// All pages, of so many records each.
fn all(acme: &Acme, query: &str, limit: u64) -> Vec<u64> {
    let mut found = Vec::new();
    let mut before = String::new();
    loop {
        let page = page(acme, &format!("{query}&limit={limit}{before}"));
        found.extend(seqs(&page));
        match page["next_before"].as_u64() {
            Some(next) => before = format!("&before={next}"),
            None => return found,
        }
    }
}

/// Three records of administration and three of users in each of two files, two in the database.
fn kept() -> Acme {
    let acme = Acme::new();
    for _ in 0..2 {
        for user in ["ann", "bob", "ann"] {
            ask(&acme, user);
        }
        month(&acme);
    }
    for user in ["ann", "bob"] {
        ask(&acme, user);
    }
    acme
}

#[test]
fn pages_go_on_into_the_archive() {
    let acme = kept();
    let whole: Vec<u64> = (1..=11).rev().collect();
    for limit in [1, 2, 3, 4, 500] {
        assert_eq!(all(&acme, "", limit), whole, "{limit} at once");
    }
    assert_eq!(acme.world.stored_records("acme").len(), 2);
}

#[test]
fn filters_hold_in_the_archive() {
    let acme = kept();
    assert_eq!(all(&acme, "&user=ann", 2), [10, 9, 7, 6, 4]);
    assert_eq!(all(&acme, "&key=admin", 500), [3, 2, 1]);
    assert_eq!(all(&acme, "&operation=config.save", 500), [2]);
    assert_eq!(all(&acme, "&object=org/acme", 500), [1]);
    assert_eq!(all(&acme, "&changes=false&outcome=answered", 3).len(), 8);
    assert_eq!(all(&acme, "&key=nobody", 500), [] as [u64; 0]);
    let person = &page(&acme, "&user=bob")["data"][2]["person"];
    assert_eq!(person["user"], "bob");
}

#[test]
fn a_request_of_long_ago_is_found_by_its_id() {
    let acme = Acme::new();
    let id = ask(&acme, "ann");
    month(&acme);
    assert_eq!(seqs(&page(&acme, &format!("&request={id}"))), [4]);
    month(&acme);
    assert!(acme.world.database.sealed("acme").is_empty(), "all of it");
    assert_eq!(seqs(&page(&acme, &format!("&request={id}"))), [4]);
}

#[test]
fn whoever_was_erased_is_not_found_in_the_archive_either() {
    let acme = kept();
    let erase = Request::new("DELETE", "/admin/v1/orgs/acme/users/ann/records").admin();
    acme.world.expect(&acme.worker, erase, 200);
    assert_eq!(all(&acme, "&user=ann", 500), [] as [u64; 0]);
    assert_eq!(all(&acme, "&user=bob", 500).len(), 3);
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_passed_over() {
    let acme = kept();
    let mut files = acme.world.files.files.borrow_mut();
    files.values_mut().next().unwrap().truncate(20);
    drop(files);
    let page = page(&acme, "");
    assert_eq!(seqs(&page), [11, 10, 9, 8, 7]);
    let missing = serde_json::json!([{ "first": 1, "last": 6 }]);
    assert_eq!(page["unreadable"], missing);
}

#[test]
fn what_is_missing_between_database_and_archive_hides_nothing_before_it() {
    let acme = kept();
    acme.world.records("acme");
    let place = ("acme".to_owned(), 10);
    acme.world.database.tables.borrow_mut().audit.remove(&place);
    let files: Vec<String> = acme.world.files.files.borrow().keys().cloned().collect();
    acme.world.files.files.borrow_mut().remove(&files[1]);
    assert_eq!(all(&acme, "", 500), [11, 6, 5, 4, 3, 2, 1]);
}

#[test]
fn a_search_that_finds_nothing_goes_on_some_files_at_a_time() {
    let acme = Acme::new();
    for _ in 0..12 {
        ask(&acme, "ann");
        month(&acme);
    }
    let first = page(&acme, "&operation=org.create");
    assert_eq!(seqs(&first), [] as [u64; 0]);
    assert!(first["next_before"].is_u64(), "{first}");
    assert_eq!(all(&acme, "&operation=org.create", 500), [1]);
}
