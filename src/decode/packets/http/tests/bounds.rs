//! What one connection may make the reader keep, and what is said where it wants more.

use crate::capture::limits::Limits;
use crate::decode::exchange::{Answer, Withheld};
use crate::decode::packets::http::{Found, bounds};
use crate::decode::packets::stream::{Content, Side};

use super::transcript::{Transcript, octets, read};

const REQUEST: &str = "> GET / HTTP/1.1\n> Host: h\n>\n";
const OPENING: &str = ">preface\n>settings\n<settings\n";

fn read_within(text: &str, headers: usize) -> Found {
    let transcript = Transcript::parse(text);
    read(&transcript.facts, transcript.chunks, &Limits { headers, ..Limits::default() })
}

fn problems(found: &Found) -> Vec<&str> {
    found.problems.iter().map(|(_, message)| message.as_str()).collect()
}

#[test]
fn a_head_without_end() {
    let text = format!("> GET /a HTTP/1.1\n> Host: h\n> X: {}\n\n>\n{REQUEST}", "x".repeat(1000));
    let found = read_within(&text, 900);
    assert_eq!(found.exchanges.len(), 2);
    let [cut, next] = &found.exchanges[..] else { panic!("two requests") };
    assert_eq!((&*cut.request.target, cut.request.headers.withheld), ("/a", Withheld::Everything));
    assert_eq!(next.request.headers.withheld, Withheld::Nothing);
    assert_eq!(
        problems(&found),
        [
            "octets of the client: a head is longer than the limit; cut there",
            "request is cut off in its head; kept the first 2 fields"
        ]
    );
}

#[test]
fn a_list_that_grows_out_of_the_table() {
    let mut text = format!("{OPENING}>headers 1 END_STREAM\n>+ :method: GET\n>+ :path: /\n>+ :scheme: http\n");
    for _ in 0..100 {
        text += ">+ x-large: 0123456789012345678901234567890123456789\n";
    }
    let found = read_within(&text, 1000);
    assert_eq!(problems(&found), ["header fields are longer than the limit; the rest is left out"]);
    let headers = &found.exchanges[0].request.headers;
    assert!(headers.list.len() < 15 && headers.withheld == Withheld::Everything);
}

#[test]
fn a_flood_of_continuation() {
    let flood = "\\x00\\x00\\x00\\x09\\x00\\x00\\x00\\x00\\x01".repeat(bounds::CONTINUATIONS + 1);
    let text = format!(
        "{OPENING}>| \\x00\\x00\\x01\\x01\\x00\\x00\\x00\\x00\\x01\\x82{flood}\n>headers 3 END_STREAM\n>+ :method: GET\n"
    );
    let found = read_within(&text, 1 << 20);
    assert_eq!(problems(&found), ["header block in too many CONTINUATION frames, or of another stream; left out"]);
    assert_eq!(found.exchanges.len(), 1);
}

#[test]
fn streams_without_end() {
    let mut text = OPENING.to_owned();
    let count = bounds::STREAMS + 10;
    for index in 0..count {
        text += &format!(">headers {}\n>+ :method: GET\n>+ :path: /{index}\n", index * 2 + 1);
    }
    let found = read_within(&text, 1 << 20);
    assert_eq!(found.exchanges.len(), count);
    assert_eq!(problems(&found), ["more than 4096 HTTP/2 streams open at once; the oldest are given up"]);
}

#[test]
fn requests_without_answers() {
    let mut transcript = Transcript::parse(&REQUEST.repeat(bounds::OUTSTANDING + 10));
    transcript.add(Side::Server, Content::End { by_reset: false });
    let found = transcript.read();
    assert_eq!(found.exchanges.len(), bounds::OUTSTANDING + 10);
    // Which of them were answered elsewhere is not known any more.
    assert!(found.exchanges.iter().all(|exchange| matches!(exchange.answer, Answer::NotRecorded)));
}

#[test]
fn an_answer_that_waits_for_no_request() {
    let mut transcript = Transcript::parse("< HTTP/1.1 200 OK\n< Content-Length: 10000000\n<\n");
    for _ in 0..40 {
        transcript.add(Side::Server, Content::Data(octets(vec![b'x'; 32 << 10])));
    }
    let found = transcript.read();
    assert_eq!(found.exchanges.len(), 1);
    assert_eq!(problems(&found), ["response without its request in the capture; kept without request"]);
}

#[test]
fn a_body_over_the_limit() {
    let transcript = Transcript::parse(&format!(
        "{REQUEST}< HTTP/1.1 200 OK\n< Content-Length: 100\n<\n<| {}\n{REQUEST}< HTTP/1.1 204 No Content\n<\n",
        "x".repeat(100)
    ));
    let limits = Limits { body: 99, ..Limits::default() };
    let found = read(&transcript.facts, transcript.chunks, &limits);
    let body = &found.exchanges[0].answer.response().unwrap().body;
    assert!(body.octets(&limits).is_err());
    assert_eq!(body.len(), Some(100));
    assert_eq!(found.exchanges.len(), 2);
}

#[test]
fn problems_are_counted() {
    let text = "> GET / HTTP/1.1\n> Host: h\n> Host: i\n>\n".repeat(30);
    let found = read_within(&text, 1 << 20);
    assert_eq!(found.problems.len(), bounds::PROBLEMS + 1);
    assert_eq!(found.problems.last().unwrap().1, "tcp.stream 7: 10 more problems in its HTTP");
}
