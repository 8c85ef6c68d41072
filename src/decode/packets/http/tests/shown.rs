//! Exchanges as files show them.

use serde_json::{Value, json};

use crate::capture::limits::Limits;
use crate::decode::body::Body;
use crate::decode::exchange::{Answer, Exchange, Headers, Withheld};
use crate::decode::packets::http::Found;
use crate::evidence::{At, Timestamp};

pub(super) fn found(found: &Found) -> Value {
    let problem = |(at, message): &(Option<String>, String)| match at {
        Some(at) => format!("{at}: {message}"),
        None => message.clone(),
    };
    json!({
        "recognised": found.recognised,
        "exchanges": found.exchanges.iter().map(exchange).collect::<Vec<_>>(),
        "problems": found.problems.iter().map(problem).collect::<Vec<_>>(),
    })
}

fn exchange(exchange: &Exchange) -> Value {
    let At::Frames { request, response, h2_stream, .. } = exchange.at else { panic!("not of packets") };
    let sent = &exchange.request;
    let milliseconds = |time: Timestamp| time.0 / 1000;
    let answer = match &exchange.answer {
        Answer::Received(received) => json!({
            "status": received.status,
            "headers": headers(&received.headers),
            "body": body(&received.body),
        }),
        Answer::None(why) => json!({ "none": why }),
        Answer::NotRecorded => json!("not recorded"),
    };
    json!({
        "frames": [request, response],
        "h2_stream": h2_stream,
        "milliseconds": [exchange.sent_at.map(milliseconds), exchange.answered_at.map(milliseconds)],
        "request": format!("{} {} {}", sent.method, sent.url(), sent.version.as_deref().unwrap_or("?")),
        "headers": headers(&sent.headers),
        "body": body(&sent.body),
        "answer": answer,
    })
}

fn headers(headers: &Headers) -> Value {
    let line = |header: crate::decode::exchange::Header<'_>| match header.value {
        Some(value) => Value::from(format!("{}: {value}", header.name)),
        None => Value::from(format!("{} (masked)", header.name)),
    };
    let mut list: Vec<Value> = headers.list.iter().map(line).collect();
    if headers.withheld != Withheld::Nothing {
        list.push(json!({ "withheld": format!("{:?}", headers.withheld) }));
    }
    list.into()
}

fn body(body: &Body) -> Value {
    let limits = Limits::default();
    match body.octets(&limits) {
        Ok(None) => Value::Null,
        Ok(Some(octets)) if octets.len() > 200 => json!({ "octets": octets.len() }),
        Ok(Some(octets)) => {
            let text = String::from_utf8_lossy(&octets).into_owned();
            match body.timed(&limits) {
                Ok(Some(timed)) if timed.marks.len() > 1 => {
                    let marks = timed.marks.iter().map(|mark| json!([mark.octets, mark.frame]));
                    json!({ "text": text, "octets and frames": marks.collect::<Vec<_>>() })
                }
                _ => text.into(),
            }
        }
        Err(reason) => match body.len() {
            Some(length) => json!({ "unknown": reason.reason(), "octets": length }),
            None => json!({ "unknown": reason.reason() }),
        },
    }
}
