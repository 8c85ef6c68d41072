//! The list of exchanges (`authtrail exchanges`): one line each, with what they are and to which trail they belong.
//!
//! Names are a contract, like those of the report.

use serde::Serialize;

use super::layout::{Canvas, Text, elided};
use super::palette::{BROKEN, FAINT, PLAIN, STRONG};
use super::url::{safe_authority, safe_url};
use crate::decode::exchange::{Answer, Exchange};
use crate::evidence::{Half, Timestamp};
use crate::secret::FingerprintKey;
use crate::trail::Incident;

/// One exchange of one recording.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The recording: `c1`.
    pub capture: String,
    /// Place in time order in that recording, from 0.
    pub exchange: usize,
    /// The trail; null where it belongs to none.
    pub trail: Option<String>,
    /// Place in the words of other tools: `entry 17`.
    pub at: String,
    /// `tcp.stream` of a packet capture; null for other recordings.
    pub tcp_stream: Option<u32>,
    /// `http2.streamid` of a packet capture; null for HTTP/1 and other recordings.
    pub h2_stream: Option<u32>,
    /// RFC 3339, UTC, microseconds; null where the recording has no clock.
    pub time: Option<String>,
    /// Method as sent.
    pub method: String,
    /// Scheme, lower case.
    pub scheme: String,
    /// Host and port as the request names them.
    pub host: String,
    /// The request target as sent, secrets in it masked.
    pub uri: String,
    /// Status; null where no response was recorded.
    pub status: Option<u16>,
    /// Length of the request body in octets, without codings; null where it is not known.
    pub request_body_len: Option<u64>,
    /// Length of the response body in octets, without codings; null where it is not known.
    pub response_body_len: Option<u64>,
    /// `http/1.1`, `h2`; null where the recording does not say.
    pub protocol: Option<String>,
    /// What it is: a record name of the rule language; null where it is nothing of OAuth or MCP.
    pub role: Option<&'static str>,
}

/// The exchanges of an incident, in time order. `mask` is the key for secrets in targets; `None` shows them.
pub fn rows(incident: &Incident, mask: Option<&FingerprintKey>) -> Vec<Row> {
    let places = incident.exchanges.iter().enumerate();
    places
        .map(|(index, exchange)| Row {
            time: recorded_time(incident, exchange),
            exchange: incident.ordinals.get(index).copied().unwrap_or(index),
            trail: incident.trail_of.get(index).copied().flatten().map(|trail| format!("t{}", trail + 1)),
            role: incident.roles.get(index).copied().flatten().map(|kind| kind.name()),
            ..row(exchange, mask)
        })
        .collect()
}

/// The time as the recording has it, before its clock was set to that of the first.
fn recorded_time(incident: &Incident, exchange: &Exchange) -> Option<String> {
    let offset = incident.clock_offsets.get(exchange.capture.0 as usize).copied().unwrap_or(0);
    exchange.sent_at.map(|time| Timestamp(time.0.saturating_sub(offset)).to_rfc3339())
}

fn row(exchange: &Exchange, mask: Option<&FingerprintKey>) -> Row {
    let request = &exchange.request;
    let (host, uri) = match mask {
        Some(key) => (safe_authority(&request.authority, key), safe_target(&request.scheme, &request.target, key)),
        None => (request.authority.to_string(), request.target.to_string()),
    };
    let response = exchange.answer.response();
    Row {
        capture: exchange.capture.to_string(),
        exchange: 0,
        trail: None,
        at: exchange.at.of(Half::Request),
        tcp_stream: exchange.at.tcp_stream(),
        h2_stream: exchange.at.h2_stream(),
        time: None,
        method: request.method.to_string(),
        scheme: request.scheme.to_string(),
        host,
        uri,
        status: response.map(|response| response.status),
        request_body_len: request.body.len(),
        response_body_len: match &exchange.answer {
            Answer::Received(response) => response.body.len(),
            Answer::None(_) => Some(0),
            Answer::NotRecorded => None,
        },
        protocol: request.version.as_ref().map(ToString::to_string),
        role: None,
    }
}

/// The target of a `data` URL is a body: only its media type is shown.
fn safe_target(scheme: &str, target: &str, key: &FingerprintKey) -> String {
    match target.split_once(',') {
        Some((media_type, data)) if scheme == "data" => format!("{media_type},{}", key.fingerprint(data)),
        _ => safe_url(target, key),
    }
}

/// The list as text: place, time, trail, status, role, request. Lines are cut to `width`, where one is given.
pub fn render(rows: &[Row], width: Option<usize>) -> String {
    let several = rows.iter().any(|row| row.capture != "c1");
    let cells: Vec<[String; 5]> = rows.iter().map(|row| cells(row, several)).collect();
    let widths: Vec<usize> =
        (0..5).map(|column| cells.iter().map(|cells| cells[column].len()).max().unwrap_or(0) + 2).collect();
    let mut canvas = Canvas::new(width.unwrap_or(usize::MAX));
    for (row, cells) in rows.iter().zip(&cells) {
        let refused = row.status.is_none_or(|status| status >= 400);
        let styles = [PLAIN, FAINT, PLAIN, if refused { BROKEN } else { PLAIN }, PLAIN];
        let (mut line, mut column) = (Text::new(), 0);
        for ((cell, width), style) in cells.iter().zip(&widths).zip(styles) {
            column += width;
            line = line.styled(style, cell).padded_to(column);
        }
        line = line.styled(STRONG, &row.method).plain(" ");
        let room = width.map(|width| width.saturating_sub(line.width()).max(24));
        canvas.line(&line.plain(&url(row, room)));
    }
    canvas.finish()
}

/// The columns before the request.
fn cells(row: &Row, several: bool) -> [String; 5] {
    let none = || "-".to_owned();
    [
        if several { format!("{} {}", row.capture, row.at) } else { row.at.clone() },
        row.time.as_deref().and_then(|time| time.get(11..23)).map_or_else(none, str::to_owned),
        row.trail.clone().unwrap_or_else(none),
        row.status.map_or_else(none, |status| status.to_string()),
        row.role.unwrap_or("-").to_owned(),
    ]
}

/// The URL of a row; the query goes first where there is no room.
fn url(row: &Row, room: Option<usize>) -> String {
    let url = match row.host.as_str() {
        "" => format!("{}:{}", row.scheme, row.uri),
        host => format!("{}://{host}{}", row.scheme, row.uri),
    };
    let Some(room) = room else { return url };
    if Text::from(url.as_str()).width() <= room {
        return url;
    }
    match url.split_once('?') {
        Some((path, _)) => elided(&format!("{path}?…"), room),
        None => elided(&url, room),
    }
}
