//! Flow files of mitmproxy, of every version of the format from 0.10 on: typed netstrings one after the other.
//!
//! Members were renamed over the versions and seldom changed their meaning, so one reader asks for each by all of its
//! names. What is no HTTP (TCP, UDP, DNS) is left out and counted.

mod connection;
mod flow;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use rayon::prelude::*;

use super::exchange::{Answer, Exchange};
use super::format::{Problems, Reading};
use super::tnetstring::{self, Fault};
use super::{ReadOptions, Sanitized};
use crate::evidence::{CaptureId, Closed};
use flow::{Context, Kind, Read};

/// Whether this is a flow file: length, colon, then a dictionary whose first key has a length and a colon too.
pub(super) fn recognise(content: &[u8]) -> bool {
    fn digits_and_colon(octets: &[u8]) -> Option<&[u8]> {
        let digits = octets.iter().take(12).take_while(|octet| octet.is_ascii_digit()).count();
        match octets.get(digits..) {
            Some([b':', rest @ ..]) if digits > 0 => Some(rest),
            _ => None,
        }
    }
    digits_and_colon(content).and_then(digits_and_colon).and_then(<[u8]>::first).is_some_and(u8::is_ascii_lowercase)
}

/// Flows that are read in parallel before their results are taken over.
const STRETCH: usize = 8192;

/// Reads a flow file.
pub(super) fn read(content: &Bytes, capture: CaptureId, options: &ReadOptions) -> Reading {
    let mut problems = Problems::new(options);
    let (flows, complete) = lay_out(content, options, &mut problems);
    let context = Context { content, capture, limits: &options.limits };
    let mut gathered = Gathered::default();
    for (stretch, elements) in flows.chunks(STRETCH).enumerate() {
        let read = elements.par_iter().enumerate().with_min_len(16);
        let read: Vec<Read> =
            read.map(|(index, element)| flow::read(element, number(stretch * STRETCH + index), context)).collect();
        for (index, read) in read.into_iter().enumerate() {
            gathered.add(read, number(stretch * STRETCH + index), &mut problems);
        }
    }
    gathered.close_connections();
    gathered.say_of_all(&mut problems);
    // `io.py` and `flow.py` of mitmproxy write every list as they have it.
    let reading = Reading::new(gathered.exchanges, Sanitized::No, complete, problems);
    Reading { creator: gathered.version.map(|version| version.describe()), ..reading }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// The flows, and whether they are all.
fn lay_out<'a>(content: &'a [u8], options: &ReadOptions, problems: &mut Problems) -> (Vec<&'a [u8]>, bool) {
    let mut flows = Vec::new();
    let mut rest = content;
    while !rest.is_empty() {
        if flows.len() >= options.limits.exchanges {
            problems.say(None, "more flows than the limit; the rest is left out");
            return (flows, false);
        }
        match tnetstring::element(rest) {
            Ok((b'}', _, after)) => {
                flows.push(rest.get(..rest.len() - after.len()).unwrap_or_default());
                rest = after;
            }
            Err(Fault::CutOff) => {
                problems.say(Some(format!("flow {}", flows.len())), "cut off; left out");
                return (flows, false);
            }
            Ok(_) | Err(Fault::Broken) => {
                let at = content.len() - rest.len();
                problems.say(None, format!("no flow from octet {at} on; kept those before it"));
                return (flows, false);
            }
        }
    }
    (flows, true)
}

/// What was read so far.
#[derive(Default)]
struct Gathered {
    exchanges: Vec<Exchange>,
    version: Option<flow::Version>,
    /// The place in `exchanges` and the number of each flow, by its identity.
    by_id: HashMap<Arc<str>, (usize, u32)>,
    /// The end of each connection.
    closed: HashMap<Arc<str>, Closed>,
    /// How many flows of each kind that is not HTTP.
    others: BTreeMap<String, usize>,
}

impl Gathered {
    fn add(&mut self, read: Read, index: u32, problems: &mut Problems) {
        for message in read.problems {
            problems.say(Some(format!("flow {index}")), message);
        }
        self.version = self.version.take().max(read.version);
        match read.kind {
            Kind::Http(exchange) => self.take(*exchange, read.id, index, problems),
            Kind::WebSocketMessages { upgrade } if upgrade.as_ref().is_some_and(|id| self.by_id.contains_key(id)) => {}
            Kind::WebSocketMessages { .. } => {
                problems.say(Some(format!("flow {index}")), "websocket messages without their upgrade; left out");
            }
            Kind::Other(name) => *self.others.entry(name).or_default() += 1,
            Kind::Nothing => {}
        }
    }

    /// Takes an exchange; of two states of one flow the later one, unless it knows less.
    fn take(&mut self, exchange: Exchange, id: Option<Arc<str>>, index: u32, problems: &mut Problems) {
        if let (Some(name), Some(closed)) = (&exchange.connection.id, exchange.connection.closed) {
            let latest = self.closed.entry(name.clone()).or_insert(closed);
            if closed.at > latest.at {
                *latest = closed;
            }
        }
        let before = id.as_ref().and_then(|id| self.by_id.get(id)).copied();
        let Some((place, first)) = before else {
            if let Some(id) = id {
                self.by_id.insert(id, (self.exchanges.len(), index));
            }
            self.exchanges.push(exchange);
            return;
        };
        problems
            .say(Some(format!("flow {index}")), format!("the same flow as flow {first}, stored again; listed once"));
        if let Some(known) = self.exchanges.get_mut(place)
            && known.answer.response().is_none()
            && !matches!(exchange.answer, Answer::NotRecorded)
        {
            *known = Exchange { at: known.at.clone(), ..exchange };
        }
    }

    /// A flow is stored when its answer is complete, often before its connection ends: what a later flow of the same
    /// connection says of the end holds for all.
    fn close_connections(&mut self) {
        for exchange in &mut self.exchanges {
            let closed = exchange.connection.id.as_ref().and_then(|name| self.closed.get(name));
            exchange.connection.closed = closed.copied().or(exchange.connection.closed);
        }
    }

    fn say_of_all(&self, problems: &mut Problems) {
        if let Some(version) = self.version.filter(flow::Version::is_newer) {
            let version = version.describe();
            problems.say(None, format!("{version} is newer than what is known here; read as the newest known one"));
        }
        if !self.others.is_empty() {
            let counts = self.others.iter().take(8).map(|(name, count)| format!("{count} {name}"));
            let counts: Vec<String> = counts.collect();
            problems.say(None, format!("flows that are no HTTP are left out: {}", counts.join(", ")));
        }
    }
}
