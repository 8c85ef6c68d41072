//! Reads the headers of a recording once, and sorts its segments by connection, a batch at a time.
//!
//! Payload is not touched here. A batch is small, so that what is kept does not grow with the recording.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;

use bytes::Bytes;

use super::connections::{ConnectionId, Connections};
use super::file::{Ending, Frame, Frames, Statistics};
use super::network::{Found, Network};
use super::quic::Quic;
use super::segment::{End, Header, Segment};
use crate::capture::limits::Limits;

/// Segments of a batch.
const SEGMENTS: usize = 1 << 16;

/// The segments of one connection in a batch.
pub(super) struct Run {
    /// The connection.
    pub id: ConnectionId,
    /// Its ends: the one that sent the first segment, and the other.
    pub ends: [SocketAddr; 2],
    /// Where its segments stand in those of the batch.
    place: Range<usize>,
}

/// The segments of some frames.
#[derive(Default)]
pub(super) struct Batch {
    /// Sorted by the first segment of each.
    pub runs: Vec<Run>,
    /// Those of a run stand together, in the order of the recording.
    segments: Vec<Segment>,
    /// Connections that were over when the batch ended, of those in `runs`.
    pub over: Vec<ConnectionId>,
    /// Connections whose ports were used again: nothing more can come.
    pub replaced: Vec<ConnectionId>,
    /// Payloads of packets that were put together from fragments.
    pub rebuilt: Vec<Bytes>,
    /// Whether it is the last one.
    pub last: bool,
}

impl Batch {
    /// The segments of one of its runs, in the order of the recording.
    pub(super) fn segments(&self, run: &Run) -> &[Segment] {
        self.segments.get(run.place.clone()).unwrap_or_default()
    }

    /// Takes segments, each with its run, in the order of the recording. One list for all runs costs less than a list for
    /// each of them: most are short.
    fn take(&mut self, found: &[(u32, Segment)]) {
        let Some((_, any)) = found.first() else { return };
        let mut at = 0;
        for run in &mut self.runs {
            let start = at;
            at += run.place.len();
            // The end is where its next segment goes.
            run.place = start..start;
        }
        self.segments.resize(found.len(), *any);
        for (run, segment) in found {
            let Some(run) = self.runs.get_mut(*run as usize) else { continue };
            if let Some(place) = self.segments.get_mut(run.place.end) {
                *place = *segment;
            }
            run.place.end += 1;
        }
    }
}

/// Where the reading of headers stands.
pub(super) struct Index {
    frames: Frames,
    sorter: Sorter,
    /// The segments of the batch that is being filled, and of which run each is.
    found: Vec<(u32, Segment)>,
    links: BTreeMap<u32, u64>,
    cut: u64,
    longest_cut: usize,
    ending: Option<Ending>,
}

/// What has to be changed for every segment.
struct Sorter {
    network: Network,
    connections: Connections,
    quic: Quic,
    number: u32,
}

impl Index {
    pub(super) fn new(frames: Frames, limits: &Limits) -> Index {
        let connections = Connections::new(limits.connections);
        let sorter = Sorter { network: Network::new(limits), connections, quic: Quic::default(), number: 0 };
        let links = BTreeMap::new();
        Index { frames, sorter, found: Vec::new(), links, cut: 0, longest_cut: 0, ending: None }
    }

    /// The next batch; `None` after the last one.
    pub(super) fn batch(&mut self) -> Option<Batch> {
        if self.ending.is_some() {
            return None;
        }
        self.sorter.number += 1;
        let mut batch = Batch::default();
        self.found.clear();
        while self.found.len() < SEGMENTS {
            let frame = match self.frames.next() {
                Ok(frame) => frame,
                Err(ending) => {
                    self.ending = Some(ending);
                    batch.last = true;
                    break;
                }
            };
            self.frame(&frame, &mut batch);
        }
        batch.take(&self.found);
        let connections = &self.sorter.connections;
        batch.over = batch.runs.iter().map(|run| run.id).filter(|id| connections.is_over(*id)).collect();
        Some(batch)
    }

    /// Sorts what is in a frame.
    fn frame(&mut self, frame: &Frame, batch: &mut Batch) {
        let octets = self.frames.octets(frame);
        if frame.captured < frame.original {
            self.cut += 1;
            self.longest_cut = self.longest_cut.max(frame.captured);
        }
        let Sorter { network, connections, quic, number } = &mut self.sorter;
        let found = &mut self.found;
        let known = network.frame(frame.link, octets, &mut |it| match it {
            Found::Tcp(datagram) => {
                let Some(header) = Header::read(&datagram) else { return };
                let Some(belongs) = connections.of(&header) else { return };
                batch.replaced.extend(belongs.replaces);
                let at = (frame.number, frame.time);
                let rebuilt = &mut batch.rebuilt;
                let place = (octets, frame.start);
                let Some(segment) = header.segment(&datagram, at, belongs.from, place, rebuilt) else { return };
                let slot = connections.slot(belongs.id, *number).unwrap_or_else(|| {
                    let slot = u32::try_from(batch.runs.len()).unwrap_or(u32::MAX);
                    connections.place(belongs.id, *number, slot);
                    let mut ends = [header.source, header.destination];
                    if belongs.from == End::Second {
                        ends.reverse();
                    }
                    batch.runs.push(Run { id: belongs.id, ends, place: 0..0 });
                    slot
                });
                if let Some(run) = batch.runs.get_mut(slot as usize) {
                    run.place.end += 1;
                    found.push((slot, segment));
                }
            }
            Found::Udp(datagram) => quic.datagram(&datagram),
            Found::Returned(datagram) => connections.returned(&datagram),
        });
        if !known {
            *self.links.entry(frame.link).or_default() += 1;
        }
    }

    /// Whether the recording was read to its end.
    pub(super) fn complete(&self) -> bool {
        self.ending == Some(Ending::Whole)
    }

    /// The program that wrote it.
    pub(super) fn creator(&self) -> Option<String> {
        self.frames.creator()
    }

    /// What the recorders say of what they missed.
    pub(super) fn statistics(&self) -> Statistics {
        self.frames.statistics()
    }

    /// Whether the capture length cut frames.
    pub(super) fn cuts(&self) -> bool {
        self.cut > 0
    }

    /// What is to be said of the recording as a whole.
    pub(super) fn problems(&self) -> Vec<(Option<String>, String)> {
        let kept = match self.frames.count() {
            0 => "no frame".to_owned(),
            count => frames(u64::from(count)),
        };
        let next = Some(format!("frame {}", u64::from(self.frames.count()) + 1));
        let mut problems = Vec::new();
        match &self.ending {
            Some(Ending::CutOff) => problems.push((next, format!("the file ends inside it; kept {kept} before it"))),
            Some(Ending::Broken(why)) => problems.push((next, format!("{why}; kept {kept} before it"))),
            Some(Ending::Whole) if self.frames.count() == 0 => problems.push((None, "holds no packets".to_owned())),
            Some(Ending::Whole) | None => {}
        }
        let mut say = |count: u64, message: &dyn Fn(String) -> String| {
            if count > 0 {
                problems.push((None, message(frames(count))));
            }
        };
        say(self.frames.left_out(), &|count| format!("{count} of unknown interface or wrong length; left out"));
        say(self.statistics().dropped.unwrap_or_default(), &|count| {
            format!(
                "{count} dropped by the recorder, which had no room for them; what is missing stays a gap; record again \
                 with a larger buffer or a narrower filter"
            )
        });
        say(self.cut, &|count| {
            let longest = self.longest_cut;
            format!(
                "{count} cut by the capture length (at most {longest} octets of each); what is missing stays a gap; record \
                 again without a limit (tcpdump -s 0)"
            )
        });
        for (link, count) in &self.links {
            say(*count, &|count| format!("{count} of link type {link}, which is not read; left out"));
        }
        let incomplete = self.sorter.network.incomplete();
        if incomplete > 0 {
            problems.push((None, format!("{incomplete} IP packets whose fragments never came together; left out")));
        }
        let more = self.sorter.connections.left_out;
        if more > 0 {
            problems.push((None, format!("more connections than the limit; {} left out", frames(more))));
        }
        problems.extend(self.sorter.quic.problem().map(|message| (None, message)));
        problems
    }
}

/// `1 frame`, `17 frames`.
fn frames(count: u64) -> String {
    if count == 1 { "1 frame".to_owned() } else { format!("{count} frames") }
}
