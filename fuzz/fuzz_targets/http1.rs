//! Octets of a stranger on both sides of a connection: never a crash, and the same exchanges however they are split.
//!
//! `cargo +nightly fuzz run http1`. The input is a list of parts: an octet whose lowest bit names the side, whose second bit a
//! gap and whose third bit an end, the length as two octets, and as many octets.

#![no_main]

use authtrail::capture::limits::Limits;
use authtrail::decode::body::Body;
use authtrail::decode::exchange::Exchange;
use authtrail::decode::packets::http::{Plaintext, exchanges};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fn parts(mut rest: &[u8]) -> Vec<(bool, Plaintext)> {
    let mut parts = Vec::new();
    while let [how, high, low, after @ ..] = rest {
        let length = u16::from_be_bytes([*high, *low]);
        let client = how & 1 == 1;
        rest = after;
        if how & 2 == 2 {
            parts.push((client, Plaintext::Gap((how & 4 == 0).then_some(length.into()))));
        } else if how & 4 == 4 {
            parts.push((client, Plaintext::End(how & 8 == 8)));
        } else {
            let (octets, after) = after.split_at(usize::from(length).min(after.len()));
            parts.push((client, Plaintext::Octets(Bytes::copy_from_slice(octets))));
            rest = after;
        }
    }
    parts
}

/// The same octets in parts of so many.
fn split(parts: &[(bool, Plaintext)], most: usize) -> Vec<(bool, Plaintext)> {
    let mut split = Vec::new();
    for (client, part) in parts {
        match part {
            Plaintext::Octets(octets) => {
                let part = |part: &[u8]| (*client, Plaintext::Octets(Bytes::copy_from_slice(part)));
                split.extend(octets.chunks(most).map(part));
            }
            other => split.push((*client, other.clone())),
        }
    }
    split
}

/// What an exchange says, without frames and times: they follow the split.
fn said(exchange: &Exchange, limits: &Limits) -> String {
    let body = |body: &Body| format!("{:?}", body.octets(limits).map(|octets| octets.map(|it| it.into_owned())));
    let Exchange { request, answer, .. } = exchange;
    let answer = answer.response().map(|it| format!("{} {:?} {}", it.status, it.headers, body(&it.body)));
    format!("{} {} {:?} {} {answer:?}", request.method, request.url(), request.headers, body(&request.body))
}

fuzz_target!(|input: &[u8]| {
    let limits = Limits { body: 1 << 20, headers: 1 << 20, ..Limits::default() };
    let parts = parts(input);
    let read = |parts| {
        let (exchanges, _) = exchanges(parts, &limits);
        exchanges.iter().map(|exchange| said(exchange, &limits)).collect::<Vec<_>>()
    };
    assert_eq!(read(split(&parts, 3)), read(parts));
});
