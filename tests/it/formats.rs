//! Recordings of every format beside the exchanges that they hold: `samples/formats/TOOL/FILE.exchanges.json`.

use std::path::Path;

use authtrail::capture::limits::Limits;
use authtrail::decode::body::Body;
use authtrail::decode::exchange::{Answer, Exchange, Headers, Withheld};
use authtrail::decode::{Decoded, ReadOptions, Sanitized, read_all};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::walk::{beside, compare, files, folder};

const EXPECTED: &str = ".exchanges.json";
const KEYLOG: &str = ".keylog";

/// Reads a recording, with the key log beside it where there is one.
pub(crate) fn read(path: &Path) -> Decoded {
    let keylog = beside(path, KEYLOG);
    let keylogs = if keylog.exists() { vec![keylog] } else { Vec::new() };
    read_all(&[path.to_owned()], &ReadOptions { keylogs, ..ReadOptions::default() })
}

#[test]
fn every_format_gives_the_exchanges_beside_it() {
    let mut differences = Vec::new();
    let mut count = 0;
    for path in files(&folder("samples/formats")) {
        let name = path.file_name().unwrap().to_string_lossy().to_lowercase();
        if name.starts_with("license") || name == "readme.md" || name.ends_with(".tshark.txt") {
            continue;
        }
        if name.ends_with(KEYLOG) {
            let recording = path.to_string_lossy().replace(KEYLOG, "");
            assert!(Path::new(&recording).exists(), "{} has no recording beside it", path.display());
            continue;
        }
        if name.ends_with(EXPECTED) {
            let recording = path.to_string_lossy().replace(EXPECTED, "");
            assert!(Path::new(&recording).exists(), "{} has no recording beside it", path.display());
            continue;
        }
        let decoded = read(&path);
        let found = format!("{}\n", serde_json::to_string_pretty(&describe(&decoded)).unwrap());
        differences.extend(compare(&beside(&path, EXPECTED), &found));
        count += 1;
    }
    assert!(count > 40, "only {count} recordings found");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_order_is_that_of_the_paths_whatever_the_threads() {
    let paths: Vec<_> = files(&folder("samples/formats"))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|it| it == "har"))
        .collect();
    let all = read_all(&paths, &ReadOptions::default());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let one = pool.install(|| read_all(&paths, &ReadOptions::default()));
    assert_eq!(describe(&all), describe(&one));
    let order: Vec<_> = all.captures.iter().map(|facts| facts.path.clone()).collect();
    assert_eq!(order, paths);
}

/// Everything that was read, bodies as digests.
fn describe(decoded: &Decoded) -> Value {
    let captures: Vec<Value> = decoded
        .captures
        .iter()
        .map(|facts| {
            json!({
                "format": facts.format,
                "creator": facts.creator,
                "sanitized": match facts.sanitized {
                    Sanitized::No => "no",
                    Sanitized::Possible => "possible",
                    Sanitized::Yes => "yes",
                },
                "complete": facts.complete,
                "usable": facts.usable,
                "problems": facts.problems.iter().map(|problem| match &problem.at {
                    Some(at) => format!("{at}: {}", problem.message),
                    None => problem.message.clone(),
                }).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({ "captures": captures, "exchanges": decoded.exchanges.iter().map(exchange).collect::<Vec<_>>() })
}

pub(crate) fn exchange(exchange: &Exchange) -> Value {
    let request = &exchange.request;
    let connection = &exchange.connection;
    let answer = match &exchange.answer {
        Answer::Received(response) => json!({
            "status": response.status,
            "from_cache": response.from_cache,
            "headers": headers(&response.headers),
            "body": body(&response.body),
        }),
        Answer::None(word) => json!({ "none": word }),
        Answer::NotRecorded => json!("not recorded"),
    };
    json!({
        "at": exchange.at.of(authtrail::evidence::Half::Request),
        "sent_at": exchange.sent_at.map(|time| time.to_rfc3339()),
        "answered_at": exchange.answered_at.map(|time| time.to_rfc3339()),
        "connection": {
            "id": connection.id.as_deref(),
            "server": connection.server.map(|address| address.to_string()),
            "page": connection.page.as_deref(),
        },
        "method": request.method,
        "scheme": request.scheme,
        "authority": request.authority,
        "target": shortened(&request.target),
        "version": request.version,
        "headers": headers(&request.headers),
        "body": body(&request.body),
        "answer": answer,
    })
}

/// Names in order and a digest of all values.
fn headers(headers: &Headers) -> Value {
    let mut digest = Sha256::new();
    let mut masked = Vec::new();
    for header in headers.list.iter() {
        match header.value {
            Some(value) => digest.update(format!("{}: {value}\n", header.name)),
            None => masked.push(header.name.to_string()),
        }
    }
    let withheld = match headers.withheld {
        Withheld::Nothing => "nothing".to_owned(),
        Withheld::Credentials => "credentials".to_owned(),
        Withheld::CredentialsFor(octets) => format!("{octets} octets"),
        Withheld::TableEntries => "table entries".to_owned(),
        Withheld::Everything => "everything".to_owned(),
    };
    json!({ "count": headers.list.len(), "sha256": hex(&digest.finalize()), "masked": masked, "withheld": withheld })
}

fn body(body: &Body) -> Value {
    match body.octets(&Limits::default()) {
        Ok(None) => json!("none"),
        Ok(Some(octets)) => {
            assert_eq!(body.len(), Some(octets.len() as u64));
            json!({ "octets": octets.len(), "sha256": hex(&Sha256::digest(&octets)) })
        }
        Err(reason) => json!(reason.reason()),
    }
}

fn shortened(target: &str) -> String {
    match target.char_indices().nth(300) {
        Some((at, _)) => format!("{}... ({} octets)", &target[..at], target.len()),
        None => target.to_owned(),
    }
}

/// Enough digits to tell two contents apart.
fn hex(octets: &[u8]) -> String {
    octets.iter().take(8).map(|octet| format!("{octet:02x}")).collect()
}
