//! Broken input gives a problem and no panic: `tests/hostile/NAME` beside `NAME.problems.txt`, and input that is too
//! large for a file.

use std::path::{Path, PathBuf};

use authtrail::capture::coding::{Coding, decompress};
use authtrail::capture::limits::Limits;
use authtrail::decode::exchange::{Answer, Unknown, Withheld};
use authtrail::decode::{CaptureFacts, Decoded, ReadOptions, read_all, read_content};
use authtrail::evidence::CaptureId;
use bytes::Bytes;
use proptest::prelude::*;

use crate::walk::{beside, compare, files, folder};

const EXPECTED: &str = ".problems.txt";

#[test]
fn every_broken_input_says_what_is_wrong() {
    let mut differences = Vec::new();
    let mut read = 0;
    for path in files(&folder("tests/hostile")) {
        if path.to_string_lossy().ends_with(EXPECTED) {
            let input = path.to_string_lossy().replace(EXPECTED, "");
            assert!(Path::new(&input).exists(), "{} has no input beside it", path.display());
            continue;
        }
        let decoded = read_all(std::slice::from_ref(&path), &ReadOptions::default());
        differences.extend(compare(&beside(&path, EXPECTED), &describe(&decoded)));
        read += 1;
    }
    assert!(read > 40, "only {read} inputs found");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// One line on the whole, one for each problem, one for each exchange that was kept.
fn describe(decoded: &Decoded) -> String {
    let mut text = String::new();
    for facts in &decoded.captures {
        let yes = |value: bool| if value { "yes" } else { "no" };
        text += &format!("usable {}, complete {}\n", yes(facts.usable), yes(facts.complete));
        for problem in &facts.problems {
            let at = problem.at.as_ref().map(|at| format!("{at}: ")).unwrap_or_default();
            text += &format!("problem: {at}{}\n", problem.message);
        }
    }
    for exchange in &decoded.exchanges {
        let answer = match &exchange.answer {
            Answer::Received(response) => format!("{}, {:?}", response.status, response.body),
            Answer::None(word) => format!("no answer ({word})"),
            Answer::NotRecorded => "answer not recorded".to_owned(),
        };
        let url = exchange.request.url().escape_default().to_string();
        let place = exchange.at.of(authtrail::evidence::Half::Request);
        text += &format!("kept: {place}: {} {url} -> {answer}\n", exchange.request.method);
    }
    text
}

#[test]
fn what_cannot_be_opened_does_not_stop_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let good = crate::walk::folder("samples/formats/firefox-recorded/firefox-153-page2.har");
    let paths = [folder.path().to_owned(), folder.path().join("missing.har"), good];
    let decoded = read_all(&paths, &ReadOptions { sha256: true, ..ReadOptions::default() });
    let said: Vec<_> = decoded.captures.iter().map(message).collect();
    assert_eq!(said, ["is a directory; name the recordings in it", "no such file", ""]);
    assert_eq!(decoded.captures.iter().map(|facts| facts.usable).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(decoded.captures[2].sha256.as_ref().map(String::len), Some(64));
    assert_eq!(decoded.exchanges.len(), 2);
    assert!(decoded.exchanges.iter().all(|exchange| exchange.capture == CaptureId(2)));
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(file.path()).is_ok() {
        return; // The superuser may read everything.
    }
    let decoded = read_all(&[file.path().to_owned()], &ReadOptions::default());
    assert_eq!(message(&decoded.captures[0]), "no permission to read it");
}

fn message(facts: &CaptureFacts) -> &str {
    facts.problems.first().map_or("", |problem| &problem.message)
}

fn read(content: impl Into<Bytes>, limits: Limits) -> (CaptureFacts, Vec<authtrail::decode::exchange::Exchange>) {
    let options = ReadOptions { limits, ..ReadOptions::default() };
    read_content(Path::new("test.har"), CaptureId(0), content.into(), &options)
}

fn har(entries: &str) -> String {
    format!(r#"{{"log":{{"entries":[{entries}]}}}}"#)
}

#[test]
fn a_million_headers_keep_the_limit() {
    let headers = vec![r#"{"name":"x","value":"y"}"#; 1_000_000].join(",");
    let content = har(&format!(r#"{{"request":{{"method":"GET","url":"http://h/","headers":[{headers}]}}}}"#));
    let (facts, exchanges) = read(content, Limits::default());
    assert_eq!(message(&facts), "request headers over the limit; kept the first 174762");
    assert_eq!(exchanges[0].request.headers.withheld, Withheld::Everything);
}

#[test]
fn a_huge_text_is_neither_copied_nor_lost() {
    let text = "a".repeat(300 << 20);
    let body = format!(r#"{{"status":200,"content":{{"text":"{text}"}}}}"#);
    drop(text);
    let content = har(&format!(r#"{{"request":{{"method":"GET","url":"http://h/"}},"response":{body}}}"#));
    drop(body);
    let (facts, exchanges) = read(content, Limits::default());
    assert_eq!(message(&facts), "");
    let body = &exchanges[0].answer.response().unwrap().body;
    assert_eq!(body.len(), Some(300 << 20));
    assert_eq!(body.octets(&Limits::default()).unwrap_err(), Unknown::BodyUnreadable);
}

#[test]
fn limits_on_entries_and_problems_are_reported() {
    let limits = Limits { exchanges: 3, problems: 2, ..Limits::default() };
    let (facts, exchanges) = read(har("1,2,3,4,5"), limits);
    let said: Vec<_> = facts.problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        said,
        ["more entries than the limit; kept 3 entries", "no object; left out", "2 more problems of this kind"]
    );
    assert!(exchanges.is_empty() && !facts.complete && facts.usable);
}

#[test]
fn a_compression_bomb_stops_at_the_limit() {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(br#"{"log":{"entries":[{"request":{"url":"http://h/"}},""#).unwrap();
    for _ in 0..64 {
        encoder.write_all(&[b'a'; 1 << 20]).unwrap();
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), encoder.finish().unwrap()).unwrap();
    let limits = Limits { memory: 8 << 20, ..Limits::default() };
    let decoded = read_all(&[file.path().to_owned()], &ReadOptions { limits, ..ReadOptions::default() });
    assert_eq!(message(&decoded.captures[0]), "decompresses to more than the limit; read the first 8388608 octets");
    assert_eq!(decoded.exchanges.len(), 1);
}

/// Any JSON value as text, nested and with the characters that mean something to the reader.
fn value() -> impl Strategy<Value = serde_json::Value> {
    let text = r#"[ -~"\\{}\[\],:\u{0}-\u{1f}ä😀]{0,12}"#;
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        text.prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::vec((text, inner), 0..4)
                .prop_map(|members| { serde_json::Value::Object(members.into_iter().collect()) }),
        ]
    })
}

/// A HAR whose entries have such values beside their request, and where each entry ends.
fn har_of(values: &[serde_json::Value], pretty: bool) -> (String, Vec<usize>) {
    let mut content = r#"{"log":{"creator":{"name":"a"},"entries":["#.to_owned();
    let mut ends = Vec::new();
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            content.push(',');
        }
        let url = format!("http://h/{index}");
        let entry = serde_json::json!({ "x": value, "request": { "method": "GET", "url": url }, "time": value });
        let text = if pretty { serde_json::to_string_pretty(&entry) } else { serde_json::to_string(&entry) };
        content += &text.unwrap();
        ends.push(content.len());
    }
    content += "]}}";
    (content, ends)
}

proptest! {
    #[test]
    fn entries_that_are_whole_are_kept(
        values in prop::collection::vec(value(), 0..6), pretty: bool, cut in 0.0..1.0f64,
    ) {
        let (content, ends) = har_of(&values, pretty);
        let places = |exchanges: &[authtrail::decode::exchange::Exchange]| -> Vec<String> {
            exchanges.iter().map(|exchange| format!("{:?} {}", exchange.at, exchange.request.url())).collect()
        };
        let expected: Vec<_> = (0..values.len()).map(|at| format!("Entry({at}) http://h/{at}")).collect();
        let (facts, exchanges) = read(content.clone(), Limits::default());
        prop_assert!(facts.complete);
        prop_assert_eq!(places(&exchanges), expected.clone());
        let cut = (content.len() as f64 * cut) as usize;
        let (facts, exchanges) = read(content.as_bytes()[..cut].to_vec(), Limits::default());
        let whole = ends.iter().filter(|end| **end <= cut).count();
        prop_assert_eq!(places(&exchanges), &expected[..whole]);
        prop_assert!(!facts.complete);
    }

    #[test]
    fn arbitrary_octets_never_panic(content in prop::collection::vec(any::<u8>(), 0..400)) {
        everything(&content);
    }

    #[test]
    fn damaged_compression_never_panics(
        which in 0..4usize, place: prop::sample::Index, octets in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let (coding, mut content) = compressed(which);
        let place = place.index(content.len());
        content.splice(place..(place + octets.len()).min(content.len()), octets);
        for coding in [coding, Coding::Brotli, Coding::Deflate] {
            let (out, _) = decompress(coding, &content, 1 << 16, 1000);
            prop_assert!(out.len() <= 1 << 16);
        }
    }

    #[test]
    fn damaged_recordings_never_panic(
        which: prop::sample::Index, place: prop::sample::Index, octets in prop::collection::vec(any::<u8>(), 0..4), drop in 0..8usize,
    ) {
        let small = small_recordings();
        let mut content = std::fs::read(&small[which.index(small.len())]).unwrap();
        let place = place.index(content.len());
        let end = (place + drop).min(content.len());
        content.splice(place..end, octets);
        everything(&content);
    }

    #[test]
    fn cut_recordings_never_panic(which: prop::sample::Index, place: prop::sample::Index) {
        let small = small_recordings();
        let mut content = std::fs::read(&small[which.index(small.len())]).unwrap();
        content.truncate(place.index(content.len()));
        everything(&content);
    }

    #[test]
    fn a_cut_flow_file_keeps_the_flows_that_are_whole(place: prop::sample::Index) {
        let content = std::fs::read(folder("samples/formats/mitmproxy-project/incomplete_log.mitm")).unwrap();
        let place = place.index(content.len());
        let (facts, whole) = read(content.clone(), Limits::default());
        prop_assert!(facts.complete);
        let (facts, kept) = read(content[..place].to_vec(), Limits::default());
        let ends = flow_ends(&content);
        prop_assert_eq!(facts.complete, facts.usable && ends.contains(&place));
        prop_assert_eq!(kept.len(), if facts.usable { ends.iter().filter(|end| **end <= place).count() } else { 0 });
        let targets = |exchanges: &[authtrail::decode::exchange::Exchange]| -> Vec<String> {
            exchanges.iter().map(|exchange| format!("{:?} {}", exchange.at, exchange.request.url())).collect()
        };
        prop_assert_eq!(targets(&kept), targets(&whole[..kept.len()]));
    }
}

/// Recordings of every format that are small enough to be read often.
fn small_recordings() -> Vec<PathBuf> {
    let names = |path: &Path| path.file_name().unwrap().to_string_lossy().to_lowercase();
    files(&folder("samples/formats"))
        .into_iter()
        .filter(|path| !names(path).ends_with(".exchanges.json"))
        .filter(|path| !names(path).starts_with("license") && names(path) != "readme.md")
        .filter(|path| path.metadata().unwrap().len() < 16_000)
        .collect()
}

/// Where each flow of a flow file ends.
fn flow_ends(content: &[u8]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut at = 0;
    while at < content.len() {
        let colon = at + content[at..].iter().position(|octet| *octet == b':').unwrap();
        let length: usize = std::str::from_utf8(&content[at..colon]).unwrap().parse().unwrap();
        at = colon + length + 2;
        ends.push(at);
    }
    ends
}

fn compressed(which: usize) -> (Coding, Vec<u8>) {
    use flate2::Compression;
    use std::io::Read;
    let text = "authorization server metadata, ".repeat(40);
    let mut out = Vec::new();
    match which {
        0 => flate2::read::GzEncoder::new(text.as_bytes(), Compression::best()).read_to_end(&mut out).unwrap(),
        1 => flate2::read::ZlibEncoder::new(text.as_bytes(), Compression::best()).read_to_end(&mut out).unwrap(),
        2 => flate2::read::DeflateEncoder::new(text.as_bytes(), Compression::best()).read_to_end(&mut out).unwrap(),
        _ => {
            use ruzstd::encoding::{CompressionLevel, compress_to_vec};
            return (Coding::Zstd, compress_to_vec(text.as_bytes(), CompressionLevel::Fastest));
        }
    };
    ([Coding::Gzip, Coding::Zlib, Coding::Deflate][which], out)
}

/// Reads and opens all that can be read and opened.
fn everything(content: &[u8]) {
    let (facts, exchanges) = read(content.to_vec(), Limits::default());
    assert!(facts.usable || !facts.problems.is_empty());
    for exchange in exchanges {
        let _ = exchange.request.body.text(&Limits::default());
        if let Some(response) = exchange.answer.response() {
            let _ = response.body.text(&Limits::default());
        }
    }
}
