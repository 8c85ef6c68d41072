//! A proxy that rewrites names is recorded on both sides: what the client does wrong before it is found, once, in the names
//! of the client's side, and a second request that nobody passed on stays one.

use std::path::Path;

use serde_json::Value;

use crate::run::{diagnose, items, text};

fn recording() -> Vec<u8> {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/labelled/clean-renaming-proxy-both-legs");
    std::fs::read(case.join("both.pcap")).unwrap()
}

/// The recording with every `from` that stands after `mark` within 600 octets replaced; lengths stay.
fn changed(mark: &str, from: &str, to: &str, times: usize) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut recording = recording();
    let find = |within: &[u8], what: &str| within.windows(what.len()).position(|window| window == what.as_bytes());
    let (mut at, mut done) = (0, 0);
    while let Some(found) = find(&recording[at..], mark) {
        at += found + mark.len();
        let end = recording.len().min(at + 600);
        if let Some(place) = find(&recording[at..end], from) {
            recording[at + place..at + place + to.len()].copy_from_slice(to.as_bytes());
            done += 1;
        }
    }
    assert_eq!(done, times);
    recording
}

/// The rules of the errors found, with the places of their evidence.
fn errors(recording: &[u8]) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("both.pcap"), recording).unwrap();
    let report: Value = diagnose(folder.path(), &["both.pcap".to_owned()], &[], None);
    let trails = items(&report, "trails");
    assert_eq!(trails.len(), 1);
    let findings = items(&trails[0], "findings").iter().filter(|finding| text(finding, "/level") == "error");
    findings.map(|finding| (text(finding, "/rule").to_owned(), finding["evidence"].to_string())).collect()
}

#[test]
fn what_the_far_side_says_in_other_names_accuses_nobody() {
    assert_eq!(errors(&recording()), []);
}

#[test]
fn what_the_client_asks_for_wrongly_is_found_on_its_own_side() {
    let found = errors(&changed("code_verifier=NUFL", "8081%2Fmcp", "8081%2Fxyz", 1));
    let rules: Vec<&str> = found.iter().map(|(rule, _)| rule.as_str()).collect();
    assert_eq!(rules, ["resource-not-as-authorized"]);
    let places = &found[0].1;
    assert!(places.contains("frame 76") && !places.contains("frame 78"), "{places}");
}

#[test]
fn a_token_request_that_is_nobodys_forwarding_is_judged() {
    // Another code is not the same request passed on, wherever it lies in time.
    let found = errors(&changed("Host: localhost:3001\r\n\r\n", "&code=e46679f4", "&code=E46679F4", 1));
    assert!(!found.is_empty());
}
