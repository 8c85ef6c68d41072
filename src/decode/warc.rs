//! WARC 1.0 and 1.1 (ISO 28500), as crawlers and `warcio` write it: records of requests and of responses.
//!
//! A request and its response are two records in any order, tied by `WARC-Concurrent-To` or by standing side by side
//! with the same target. A response alone is left out: what was asked is not known. A compressed file is undone before.

use std::net::SocketAddr;

use bytes::Bytes;

use super::exchange::{Answer, Connection, Exchange, Headers, Response, Withheld};
use super::fields::{Pairs, fields};
use super::format::{Problems, Reading};
use super::message::{Beside, Reader, field, line};
use super::{ReadOptions, Sanitized, url};
use crate::decode::body::Body;
use crate::decode::exchange::Unknown;
use crate::evidence::{At, CaptureId, Timestamp};

/// Whether this is a WARC.
pub(super) fn recognise(content: &[u8]) -> bool {
    content.starts_with(b"WARC/1.") || content.starts_with(b"WARC/0.1")
}

/// One record.
struct Record<'a> {
    /// Counted from 0.
    number: u32,
    headers: Headers,
    block: &'a [u8],
}

impl Record<'_> {
    fn get(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_default()
    }

    fn is(&self, kind: &str) -> bool {
        self.get("warc-type") == kind
    }

    fn at(&self) -> String {
        format!("record {}", self.number)
    }
}

/// Reads a WARC.
pub(super) fn read(content: &Bytes, capture: CaptureId, options: &ReadOptions) -> Reading {
    let mut problems = Problems::new(options);
    let (records, complete) = records(content, options, &mut problems);
    let mut exchanges = Vec::new();
    let mut taken = vec![false; records.len()];
    let by_id: std::collections::HashMap<&str, usize> =
        records.iter().enumerate().map(|(index, record)| (record.get("warc-record-id"), index)).collect();
    for (index, record) in records.iter().enumerate().filter(|(_, record)| record.is("request")) {
        let fits = |other: &usize| {
            let answers = records.get(*other).is_some_and(|other| other.is("response") || other.is("revisit"));
            answers && taken.get(*other) == Some(&false)
        };
        let same_target = |other: &usize| {
            records.get(*other).is_some_and(|other| other.get("warc-target-uri") == record.get("warc-target-uri"))
        };
        let tied = record.headers.all("warc-concurrent-to").filter_map(|id| by_id.get(id).copied()).find(fits);
        let beside = [index + 1, index.wrapping_sub(1)].into_iter().find(|other| fits(other) && same_target(other));
        let answer = tied.or(beside);
        if let Some(taken) = answer.and_then(|other| taken.get_mut(other)) {
            *taken = true;
        }
        let answer = answer.and_then(|other| records.get(other));
        exchanges.extend(exchange(record, answer, content, capture, options, &mut problems));
    }
    let alone = records.iter().zip(&taken).filter(|(record, taken)| record.is("response") && !**taken).count();
    if alone > 0 {
        problems.say(None, format!("responses without their request are left out: {alone}"));
    }
    let writer = records.iter().find(|record| record.is("warcinfo")).and_then(software);
    // Writers of WARC store the octets that went over the connection.
    Reading { creator: writer, ..Reading::new(exchanges, Sanitized::No, complete, problems) }
}

fn records<'a>(content: &'a [u8], options: &ReadOptions, problems: &mut Problems) -> (Vec<Record<'a>>, bool) {
    let mut records = Vec::new();
    let mut rest = content;
    let mut complete = true;
    while let Some((version, after)) = line(rest) {
        if version.is_empty() {
            rest = after;
            continue;
        }
        let number = u32::try_from(records.len()).unwrap_or(u32::MAX);
        if !version.starts_with(b"WARC/") {
            complete = false;
            let next = memchr::memmem::find(rest, b"\nWARC/").map(|at| at + 1);
            let left_out = next.unwrap_or(rest.len());
            problems.say(Some(format!("record {number}")), format!("{left_out} octets before it are none; left out"));
            rest = next.and_then(|next| rest.get(next..)).unwrap_or_default();
            continue;
        }
        if records.len() >= options.limits.exchanges.saturating_mul(2) {
            problems.say(None, "more records than the limit; the rest is left out");
            return (records, false);
        }
        let Some((headers, length, after)) = record_head(after, options) else {
            problems.say(Some(format!("record {number}")), "cut off or without a length; the rest is left out");
            return (records, false);
        };
        let Some((block, after)) = after.split_at_checked(length) else {
            problems.say(Some(format!("record {number}")), "cut off; left out");
            return (records, false);
        };
        records.push(Record { number, headers, block });
        rest = after;
    }
    (records, complete)
}

fn record_head<'a>(octets: &'a [u8], options: &ReadOptions) -> Option<(Headers, usize, &'a [u8])> {
    let mut pairs = Pairs::new(options.limits.headers);
    let mut rest = octets;
    loop {
        let (line, after) = line(rest)?;
        rest = after;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = field(&String::from_utf8_lossy(line)) {
            pairs.push(&name, &value);
        }
    }
    let headers = Headers { list: fields(pairs), withheld: Withheld::Nothing };
    let length = headers.get("content-length")?.parse().ok()?;
    Some((headers, length, rest))
}

fn software(info: &Record<'_>) -> Option<String> {
    let text = String::from_utf8_lossy(info.block.get(..info.block.len().min(4096)).unwrap_or_default());
    let software = text.lines().filter_map(field).find(|(name, _)| name.eq_ignore_ascii_case("software"))?.1;
    Some(software.chars().take(100).collect())
}

fn exchange(
    request: &Record<'_>,
    answer: Option<&Record<'_>>,
    content: &Bytes,
    capture: CaptureId,
    options: &ReadOptions,
    problems: &mut Problems,
) -> Option<Exchange> {
    let reader = Reader { content, exact: true, limits: &options.limits };
    let target = url::split(request.get("warc-target-uri").trim_matches(['<', '>']));
    let beside = Beside { scheme: &target.scheme, authority: target.authority };
    let mut said = Vec::new();
    let read = reader.request(request.block, beside, &mut |message| said.push(message));
    let Some(read) = read else {
        problems.say(Some(request.at()), "no HTTP request; left out");
        return None;
    };
    let mut answered = Answer::NotRecorded;
    if let Some(answer) = answer {
        answered = reader.response(answer.block, &read.method, &mut |message| said.push(message));
        if let (true, Answer::Received(Response { body, .. })) = (answer.is("revisit"), &mut answered) {
            // ISO 28500, 6.7: the body is that of another record.
            *body = Body::not_recorded(Unknown::BodyNotRecorded);
        }
    }
    said.into_iter().for_each(|message| problems.say(Some(request.at()), message));
    let date = answer.map_or("", |answer| answer.get("warc-date"));
    let time = |date: &str| date.parse().ok().map(|time: jiff::Timestamp| Timestamp(time.as_microsecond()));
    let address = request.get("warc-ip-address").parse().ok();
    Some(Exchange {
        capture,
        at: At::Item { word: "record", number: request.number },
        // ISO 28500, 5.4: when the capture of the record began.
        sent_at: time(request.get("warc-date")).or_else(|| time(date)),
        answered_at: None,
        connection: Connection { server: address.map(|ip| SocketAddr::new(ip, 0)), ..Connection::default() },
        request: read,
        answer: answered,
    })
}
