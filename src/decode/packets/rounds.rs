//! The way through a recording: while the headers of the next batch are read, the connections of this one are put
//! together, each on its own.
//!
//! What is kept between two batches is what is open then, so memory does not grow with the length of a recording.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use foldhash::fast::RandomState;
use rayon::prelude::*;

use super::Context;
use super::connections::ConnectionId;
use super::index::{Batch, Index, Run};
use super::live::{Finished, Live};
use super::segment::{Segment, Source};
use crate::decode::exchange::Exchange;
use crate::evidence::At;

/// What came out of a recording.
#[derive(Default)]
pub(super) struct Outcome {
    /// What else is left of connections of which something is, in no order.
    pub finished: Vec<Finished>,
    /// The exchanges of the connections that ended with each batch, each list [`in_order`]. Most connections hold one.
    pub exchanges: Vec<Vec<Exchange>>,
    /// Connections that were given up while they were open, since there were too many.
    pub given_up: u64,
}

/// Reads the whole recording.
pub(super) fn run(index: &mut Index, content: &Bytes, context: &Context<'_>) -> Outcome {
    let mut open = Open::default();
    let mut outcome = Outcome::default();
    let mut batch = index.batch();
    while let Some(now) = batch {
        let (next, ()) = rayon::join(|| index.batch(), || open.batch(now, content, context, &mut outcome));
        batch = next;
    }
    outcome
}

/// The connections that are open.
#[derive(Default)]
struct Open {
    live: HashMap<ConnectionId, Box<Live>, RandomState>,
    /// Those that were over when the batch before ended: their last segments may still come.
    closing: Vec<ConnectionId>,
    /// Those that are done: what comes later is no news. One bit each.
    done: Vec<u64>,
}

/// A connection and what is new of it.
struct Task<'a> {
    id: ConnectionId,
    live: Box<Live>,
    segments: &'a [Segment],
    last: bool,
}

/// A connection after that.
enum Worked {
    Open(Box<Live>),
    Finished(Finished),
}

impl Open {
    fn batch(&mut self, mut batch: Batch, content: &Bytes, context: &Context<'_>, outcome: &mut Outcome) {
        let over = std::mem::take(&mut batch.over);
        let source = Source { recording: content, rebuilt: &batch.rebuilt };
        let replaced: HashSet<ConnectionId> = batch.replaced.iter().copied().collect();
        let is_last = |id| batch.last || replaced.contains(&id);
        let mut tasks = Vec::with_capacity(batch.runs.len());
        for run in &batch.runs {
            tasks.extend(self.task(run, batch.segments(run), is_last(run.id), context));
        }
        // Those without a segment in this batch.
        for id in std::mem::take(&mut self.closing).into_iter().chain(batch.replaced.iter().copied()) {
            tasks.extend(self.live.remove(&id).map(|live| Task { id, live, segments: &[], last: true }));
        }
        if batch.last {
            tasks.extend(self.live.drain().map(|(id, live)| Task { id, live, segments: &[], last: true }));
        }
        self.work(tasks, source, context, outcome);
        self.closing = over;
        self.keep_limits(source, context, outcome);
    }

    fn task<'a>(&mut self, run: &Run, segments: &'a [Segment], last: bool, context: &Context<'_>) -> Option<Task<'a>> {
        if self.is_done(run.id) {
            return None;
        }
        let live = self.live.remove(&run.id).unwrap_or_else(|| Box::new(Live::new(run.id, run.ends, context)));
        Some(Task { id: run.id, live, segments, last })
    }

    fn work(&mut self, tasks: Vec<Task<'_>>, source: Source<'_>, context: &Context<'_>, outcome: &mut Outcome) {
        let worked: Vec<(ConnectionId, Worked)> = tasks
            .into_par_iter()
            .map(|task| {
                let Task { id, mut live, segments, last } = task;
                live.run(segments, last, source, context);
                (id, if last { Worked::Finished(live.finish()) } else { Worked::Open(live) })
            })
            .collect();
        let mut exchanges = Vec::new();
        for (id, worked) in worked {
            match worked {
                Worked::Open(live) => {
                    self.live.insert(id, live);
                }
                Worked::Finished(mut finished) => {
                    self.set_done(id);
                    exchanges.push(std::mem::take(&mut finished.found.exchanges));
                    outcome.finished.extend(Some(finished).filter(Finished::says_more));
                }
            }
        }
        exchanges.iter_mut().for_each(|exchanges| exchanges.sort_by_key(first_frame));
        outcome.exchanges.push(in_order(exchanges));
    }

    /// Gives up the connections that have been silent longest, where too many are open or too much waits.
    fn keep_limits(&mut self, source: Source<'_>, context: &Context<'_>, outcome: &mut Outcome) {
        let limits = &context.options.limits;
        let mut waiting: usize = self.live.values().map(|live| live.waiting()).sum();
        if self.live.len() <= limits.open_connections && waiting <= limits.waiting_segments {
            return;
        }
        let mut oldest: Vec<(u32, ConnectionId)> = self.live.iter().map(|(id, live)| (live.last_frame, *id)).collect();
        oldest.sort_unstable();
        let mut tasks = Vec::new();
        for (_, id) in oldest {
            if self.live.len() <= limits.open_connections && waiting <= limits.waiting_segments {
                break;
            }
            if let Some(live) = self.live.remove(&id) {
                waiting -= live.waiting();
                tasks.push(Task { id, live, segments: &[], last: true });
            }
        }
        outcome.given_up += tasks.len() as u64;
        self.work(tasks, source, context, outcome);
    }

    fn is_done(&self, id: ConnectionId) -> bool {
        self.done.get(id.0 as usize / 64).is_some_and(|word| word >> (id.0 % 64) & 1 == 1)
    }

    fn set_done(&mut self, id: ConnectionId) {
        let word = id.0 as usize / 64;
        if self.done.len() <= word {
            self.done.resize(word + 1, 0);
        }
        if let Some(found) = self.done.get_mut(word) {
            *found |= 1 << (id.0 % 64);
        }
    }
}

/// The frame in which an exchange begins, and its connection.
fn first_frame(exchange: &Exchange) -> (u32, u32) {
    match exchange.at {
        At::Frames { request, response, tcp_stream, .. } => (request.or(response).unwrap_or(u32::MAX), tcp_stream),
        At::Entry(_) | At::Flow(_) | At::Item { .. } => (u32::MAX, 0),
    }
}

/// The exchanges of all lists, by the frame in which each begins, as they are in each list. They are large: each is moved
/// once, and the memory of a list that is used up is free for what comes after it.
pub(super) fn in_order(lists: Vec<Vec<Exchange>>) -> Vec<Exchange> {
    let mut order = Vec::with_capacity(lists.iter().map(Vec::len).sum());
    for (at, list) in lists.iter().enumerate() {
        order.extend(list.iter().map(|exchange| (first_frame(exchange), at)));
    }
    order.sort_unstable();
    let mut left: Vec<_> = lists.into_iter().map(Vec::into_iter).collect();
    let mut exchanges = Vec::with_capacity(order.len());
    for (_, at) in order {
        let Some(list) = left.get_mut(at) else { continue };
        exchanges.extend(list.next());
        if list.as_slice().is_empty() {
            *list = Vec::new().into_iter();
        }
    }
    exchanges
}
