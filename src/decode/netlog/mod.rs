//! NetLog of Chromium (`chrome://net-export`, `--log-net-log`): events of the network stack, of which those of URL
//! requests become exchanges.
//!
//! Bodies of answers are there with `--net-log-capture-mode=Everything` only, those of requests then too where they went
//! over HTTP/1.1. In the default mode credentials are cut out of header values, and the log says so. A log that ends
//! early, as one does whose browser was killed, is read to its last whole event.

mod event;
mod request;

use std::collections::HashMap;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::exchange::Exchange;
use super::format::{Problems, Reading};
use super::{ReadOptions, Sanitized};
use crate::evidence::CaptureId;
use event::{Constants, Event, Names};
use request::{Attempt, Job, Socket};

/// Octets in which the first key is looked for.
const PROLOGUE: usize = 256;

/// Whether this is a NetLog: an object whose first member is `constants`.
pub(super) fn recognise(content: &[u8]) -> bool {
    let prologue = content.get(..content.len().min(PROLOGUE)).unwrap_or_default();
    let text: Vec<u8> = prologue.iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text).starts_with(br#"{"constants":{"#)
}

/// Reads a NetLog.
pub(super) fn read(content: &Bytes, capture: CaptureId, options: &ReadOptions) -> Reading {
    let mut problems = Problems::new(options);
    let mut log = Log::new(options);
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let mut json = serde_json::Deserializer::from_slice(content);
    let ended = TopLevel(&mut log).deserialize(&mut json);
    let complete = ended.is_ok() && !log.over_limit;
    match ended {
        Err(error) if error.is_eof() => {
            problems.say(None, format!("the log ends early; read {} events before that", log.events));
        }
        Err(error) => {
            let place = (error.line(), error.column());
            let message =
                format!("no JSON at line {}, column {}; read {} events before that", place.0, place.1, log.events);
            problems.say(None, message);
        }
        Ok(()) if log.names.as_ref().is_none_or(Names::is_empty) => {
            problems.say(None, "has no constants that name the events; nothing to read")
        }
        Ok(()) => {}
    }
    if log.broken > 0 {
        problems.say(None, format!("events that are none are left out: {}", log.broken));
    }
    if log.over_limit {
        problems.say(None, "more requests or octets than the limit; the rest is left out");
    }
    let creator = log.creator.take();
    let strips = log.mode.as_deref() == Some("Default");
    let exchanges = log.exchanges(capture, options, &mut problems);
    let stripped = exchanges.iter().any(has_masks);
    let sanitized = if strips || stripped { Sanitized::Yes } else { Sanitized::No };
    Reading { creator, ..Reading::new(exchanges, sanitized, complete, problems) }
}

fn has_masks(exchange: &Exchange) -> bool {
    let answered = exchange.answer.response().map(|response| &response.headers);
    let lists = [Some(&exchange.request.headers), answered];
    lists.into_iter().flatten().flat_map(|headers| headers.list.iter()).any(|header| header.value.is_none())
}

/// What was read so far.
struct Log<'o> {
    options: &'o ReadOptions,
    names: Option<Names>,
    creator: Option<String>,
    mode: Option<String>,
    events: usize,
    /// Events that are none.
    broken: usize,
    /// Every attempt of every URL request, in the order in which they began.
    attempts: Vec<Attempt>,
    /// The newest attempt of each URL request.
    newest: HashMap<i64, usize>,
    jobs: HashMap<i64, Job>,
    sockets: HashMap<i64, Socket>,
    /// Octets of bodies that still fit.
    room: usize,
    over_limit: bool,
}

impl<'o> Log<'o> {
    fn new(options: &'o ReadOptions) -> Self {
        Log {
            options,
            names: None,
            creator: None,
            mode: None,
            events: 0,
            broken: 0,
            attempts: Vec::new(),
            newest: HashMap::new(),
            jobs: HashMap::new(),
            sockets: HashMap::new(),
            room: options.limits.memory,
            over_limit: false,
        }
    }

    fn begin(&mut self, constants: Constants) {
        self.creator = constants.creator();
        self.mode.clone_from(&constants.mode);
        self.names = Some(Names::new(constants));
    }

    fn take(&mut self, event: &Event<'_>) {
        self.events += 1;
        let Some(names) = &self.names else { return };
        let (source, id) = (names.source(event), event.source.id);
        let name = names.event(event).to_owned();
        match source {
            "URL_REQUEST" => self.take_request(&name, id, event),
            "HTTP_STREAM_JOB" if name == "SOCKET_POOL_BOUND_TO_SOCKET" => {
                if let Some(socket) = event.params().dependency() {
                    self.jobs.insert(id, Job { socket });
                }
            }
            "SOCKET" => {
                let params = event.params();
                let sent = name.ends_with("BYTES_SENT").then(|| params.octets()).flatten();
                if let Some(sent) = &sent
                    && !self.has_room(sent.len())
                {
                    return;
                }
                self.sockets.entry(id).or_default().take(&params, sent);
            }
            _ => {}
        }
    }

    fn take_request(&mut self, name: &str, id: i64, event: &Event<'_>) {
        let Some(names) = &self.names else { return };
        let begins = names.is_begin(event);
        let at = names.time(event);
        let params = event.params();
        if name == "URL_REQUEST_START_JOB" && begins {
            if self.attempts.len() >= self.options.limits.exchanges {
                self.over_limit = true;
                return;
            }
            self.newest.insert(id, self.attempts.len());
            self.attempts.push(Attempt::new(id, &params, at));
            return;
        }
        let octets = (name == "URL_REQUEST_JOB_FILTERED_BYTES_READ").then(|| params.octets()).flatten();
        if let Some(octets) = &octets
            && !self.has_room(octets.len())
        {
            return;
        }
        let Some(names) = &self.names else { return };
        let error = params.net_error().map(|number| names.error(number));
        let Some(attempt) = self.newest.get(&id).and_then(|newest| self.attempts.get_mut(*newest)) else { return };
        if name.ends_with("SEND_REQUEST_HEADERS") && attempt.is_answered() {
            // Sent again within the same job, with credentials of HTTP authentication.
            let again = attempt.again(at);
            self.newest.insert(id, self.attempts.len());
            self.attempts.push(again);
        }
        let Some(attempt) = self.newest.get(&id).and_then(|newest| self.attempts.get_mut(*newest)) else { return };
        attempt.take(name, &params, at, octets, error);
    }

    fn has_room(&mut self, octets: usize) -> bool {
        match self.room.checked_sub(octets) {
            Some(room) => self.room = room,
            None => self.over_limit = true,
        }
        !self.over_limit
    }

    fn exchanges(mut self, capture: CaptureId, options: &ReadOptions, problems: &mut Problems) -> Vec<Exchange> {
        let attempts = std::mem::take(&mut self.attempts);
        let mut exchanges = Vec::new();
        for attempt in attempts.into_iter().filter(Attempt::is_http) {
            let socket = attempt.job.and_then(|job| self.jobs.get(&job)).map(|job| job.socket);
            let named = socket.and_then(|socket| Some((socket, self.sockets.get_mut(&socket)?)));
            exchanges.push(attempt.finish(capture, named, options, problems));
        }
        exchanges
    }
}

/// The whole: `constants`, then `events`.
struct TopLevel<'a, 'o>(&'a mut Log<'o>);

impl<'de> DeserializeSeed<'de> for TopLevel<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for TopLevel<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a NetLog")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "constants" => {
                    let constants = map.next_value()?;
                    self.0.begin(constants);
                }
                "events" => map.next_value_seed(Events(self.0))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct Events<'a, 'o>(&'a mut Log<'o>);

impl<'de> DeserializeSeed<'de> for Events<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Events<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of events")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<(), S::Error> {
        while let Some(json) = seq.next_element::<&'de RawValue>()? {
            match serde_json::from_str::<Event<'de>>(json.get()) {
                Ok(event) => self.0.take(&event),
                Err(_) => self.0.broken += 1,
            }
        }
        Ok(())
    }
}
