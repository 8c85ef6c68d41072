//! What a client does once its session is gone: opening no new one is a fault, ending it is none.

use std::path::Path;

use serde_json::{Value, json};

use crate::run::{diagnose, items, text};

/// Outcome and rule of the cause of a recording in which the last two calls find no session, with its entries changed.
fn verdict(change: impl Fn(&mut Vec<Value>)) -> (String, String) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/session/session-ended-by-server.violated.har");
    let mut har: Value = serde_json::from_slice(&std::fs::read(page).unwrap()).unwrap();
    change(har["log"]["entries"].as_array_mut().unwrap());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("client.har"), har.to_string()).unwrap();
    let report = diagnose(folder.path(), &["client.har".to_owned()], &[], None);
    let trail = &items(&report, "trails")[0];
    (text(trail, "/outcome").to_owned(), text(trail, "/cause/rule").to_owned())
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
