//! Says what a message is in OAuth or MCP and which messages belong together: steps, clients, custody, bindings.
//!
//! Does not say whether anything is right.

mod announced;
mod assemble;
mod bind;
mod classify;
mod clocks;
mod derive;
mod eras;
mod flow;
mod groups;
mod identity;
mod key_sets;
mod keys;
mod provenance;
pub mod read;
pub mod record;
mod renamed;
mod revision;
pub mod schema;
mod schema_table;
pub mod shape;
mod sightings;
mod steps;
mod told;
mod twins;
mod view;
mod window;

pub use assemble::{BuildOptions, build};
pub use window::visible_legs;

use std::ops::Range;

use crate::decode::exchange::Exchange;
use record::{ExchangeId, Record, RecordId};
use schema::{Kind, Leg, Revision};

/// Everything that was reconstructed from the recordings of one incident.
#[derive(Debug, Default)]
pub struct Incident {
    /// All exchanges of all recordings, in time order.
    pub exchanges: Vec<Exchange>,
    /// Place of each exchange in time order in its own recording.
    pub ordinals: Vec<usize>,
    /// What each exchange is; `None` where it is nothing of OAuth or MCP.
    pub roles: Vec<Option<Kind>>,
    /// The trail of each exchange: index into `trails`; `None` where it belongs to none, or to more than one may.
    pub trail_of: Vec<Option<usize>>,
    /// The trails, in order of their first exchange.
    pub trails: Vec<Trail>,
    /// Microseconds that were added to the times of each recording to get those of the first; 0 for the first.
    pub clock_offsets: Vec<i64>,
}

/// One client at one MCP endpoint.
#[derive(Debug)]
pub struct Trail {
    /// `clientInfo.name` and `clientInfo.version` of the client; `None` where none was seen.
    pub client_info: Option<(String, Option<String>)>,
    /// The kinds of key by which its exchanges were joined, sorted.
    pub recognised_by: Vec<&'static str>,
    /// Canonical URL of the MCP endpoint.
    pub server: String,
    /// Issuers of the authorization servers involved, in order of appearance.
    pub authorization_servers: Vec<String>,
    /// Its exchanges, in time order.
    pub exchanges: Vec<ExchangeId>,
    /// Those of its exchanges that another client in the recording could have made as well, in time order.
    pub contested: Vec<ExchangeId>,
    /// Its records, in time order.
    pub records: Vec<Record>,
    /// The legs that are visible.
    pub legs: Vec<Leg>,
    /// The stretches of revisions, in time order; at least one.
    pub stretches: Vec<Stretch>,
    /// Its authorization attempts, in time order.
    pub flows: Vec<Flow>,
    /// Kinds of record that are not among `records` although a later value proves that such a step happened: a
    /// token in use that only a token response can have brought.
    pub implied_kinds: Vec<Kind>,
}

impl Trail {
    /// The record with this id.
    pub fn record(&self, id: RecordId) -> Option<&Record> {
        self.records.get(id.0 as usize)
    }

    /// Whether a later value proves that a step of this kind happened, whether or not it was recorded.
    pub fn proves(&self, kind: Kind) -> bool {
        self.implied_kinds.contains(&kind)
    }

    /// Whether another client in the recording could have made this step as well.
    pub fn is_contested(&self, id: RecordId) -> bool {
        self.record(id).is_some_and(|record| self.contested.binary_search(&record.exchange).is_ok())
    }

    /// The stretch of revisions that an exchange falls into: the last that begins at or before it.
    pub fn stretch_at(&self, exchange: ExchangeId) -> Option<&Stretch> {
        let after = self.stretches.partition_point(|stretch| stretch.from <= exchange);
        self.stretches.get(after.saturating_sub(1))
    }

    /// The attempts that a record is part of, as places in `flows`: one, or two where it ends one and begins the next.
    pub fn flows_of(&self, id: RecordId) -> Range<usize> {
        let ends_before = |flow: &Flow| flow.records.last().is_some_and(|last| *last < id);
        let begins_by = |flow: &Flow| flow.records.first().is_some_and(|first| *first <= id);
        self.flows.partition_point(ends_before)..self.flows.partition_point(begins_by)
    }

    /// The records of one kind, in time order; further sightings of the same request apart.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (RecordId, &Record)> {
        self.records
            .iter()
            .enumerate()
            .filter(move |(_, record)| record.kind == kind && !record.is_upstream)
            .map(|(at, record)| (RecordId(at as u32), record))
    }
}

/// A stretch of a trail under one revision.
#[derive(Debug, Clone)]
pub struct Stretch {
    /// The first exchange of it.
    pub from: ExchangeId,
    /// The revisions that it may be; one where it is decided.
    pub candidates: Vec<Revision>,
    /// The revision in the recording's own words, where it is none that is known.
    pub unknown_name: Option<String>,
    /// How it was decided (design, decision 1): one of the closed list.
    pub by: &'static str,
    /// The record and the field that decide; `None` for `default` and `assumed`.
    pub evidence: Option<(RecordId, schema::Field)>,
}

/// One authorization attempt: from its trigger to token or failure.
#[derive(Debug, Clone, Default)]
pub struct Flow {
    /// The refusal that began it; `None` where it began unasked.
    pub trigger: Option<RecordId>,
    /// Its records, in time order, the trigger included: all of the trail between the first and the last.
    pub records: Vec<RecordId>,
    /// The token response with a usable token; `None` where it ended without one.
    pub token: Option<RecordId>,
}
