//! What a client does once its session is gone: opening no new one is a fault, ending it is none. And what is known of a
//! session whose opening lost its body.

use std::path::Path;

use serde_json::{Value, json};

use crate::run::{diagnose, items, text};

/// Outcome and rule of the cause of a recording in which the last two calls find no session, with its entries changed.
fn verdict(change: impl Fn(&mut Vec<Value>)) -> (String, String) {
    let trail = trail(change);
    (text(&trail, "/outcome").to_owned(), text(&trail, "/cause/rule").to_owned())
}

fn trail(change: impl Fn(&mut Vec<Value>)) -> Value {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/session/session-ended-by-server.violated.har");
    let mut har: Value = serde_json::from_slice(&std::fs::read(page).unwrap()).unwrap();
    change(har["log"]["entries"].as_array_mut().unwrap());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("client.har"), har.to_string()).unwrap();
    let report = diagnose(folder.path(), &["client.har".to_owned()], &[], None);
    items(&report, "trails")[0].clone()
}

/// Makes a POST the DELETE that ends its session.
fn end(call: &mut Value) {
    call["request"]["method"] = json!("DELETE");
    call["request"].as_object_mut().unwrap().remove("postData");
}

#[test]
fn a_client_that_goes_on_is_blamed() {
    assert_eq!(verdict(|_| ()), ("lost".to_owned(), "session-ended-by-server".to_owned()));
}

#[test]
fn where_the_recording_ends_with_the_refusal_nobody_is() {
    let end = verdict(|entries| drop(entries.pop()));
    assert_eq!(end, ("lost".to_owned(), String::new()));
}

#[test]
fn a_delete_is_not_going_on() {
    let ended = verdict(|entries| end(entries.last_mut().unwrap()));
    assert_eq!(ended, ("lost".to_owned(), String::new()));
}

#[test]
fn a_delete_that_finds_no_session_is_no_loss() {
    let ended = verdict(|entries| {
        entries.pop();
        end(entries.last_mut().unwrap());
    });
    assert_eq!(ended, ("authorized".to_owned(), String::new()));
}

#[test]
fn an_opening_without_its_body_says_nothing_of_the_version() {
    let whole = trail(|_| ());
    let lost = trail(|entries| {
        let opens = |entry: &&mut Value| text(entry, "/request/postData/text").contains("\"initialize\"");
        for entry in entries.iter_mut().filter(opens) {
            entry["response"]["content"]["text"] = json!("");
            entry["response"]["content"]["size"] = json!(0);
        }
    });
    let breaks = |trail: &Value| items(trail, "findings").iter().any(|found| found["rule"] == "version-header-differs");
    assert!(!breaks(&whole) && !breaks(&lost));
    let other = trail(|entries| {
        let last = entries.last_mut().unwrap();
        for header in last["request"]["headers"].as_array_mut().unwrap() {
            if header["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case("mcp-protocol-version")) {
                header["value"] = json!("2025-06-18");
            }
        }
    });
    assert!(breaks(&other));
}
