//! Both directions of one TCP connection, put in order: what was sent again comes once, what came late waits, what is
//! missing stays a gap.
//!
//! The segments of a connection are all known before the first is read (or many of them are), so nothing has to be
//! guessed: a hole that a later segment fills waits for it, a hole that none fills is a gap at once, and what follows it
//! goes on. Nothing is ever invented.

use super::direction::{Direction, JUMP};
use super::segment::{ACK, End, FIN, RST, SYN, Segment, Source};
use super::stream::Content;
use crate::evidence::{Closed, Timestamp};

/// Segments that are searched for the one that fills a hole. More than that many segments later nobody sends it again.
const AHEAD: usize = 1024;
/// Segments that are searched for the opening, and for what supports a surprising one.
const NEAR: usize = 64;

/// A piece of one direction, in the order of the recording.
pub(super) struct Piece {
    /// Who sent it.
    pub from: End,
    /// What it is.
    pub content: Content,
    /// The frame that completed it.
    pub frame: u32,
    /// When that was captured.
    pub time: Timestamp,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Reassembly {
    directions: [Direction; 2],
    /// Segments so far.
    count: u64,
    reset: Option<Timestamp>,
    now: (u32, Timestamp),
    /// The first frame that brought other octets for a place than those before.
    pub(super) differing: Option<u32>,
    /// Whether more waited than may.
    pub(super) over_limit: bool,
    most_waiting: usize,
}

/// Whether a hole will be filled.
enum Fill {
    /// By the segment so many segments later.
    After(usize),
    /// Not by any that is known; others may come.
    Perhaps,
    /// By none.
    Never,
}

impl Reassembly {
    /// A connection, at most so many octets of which may wait.
    pub(super) fn new(most_waiting: usize) -> Reassembly {
        Reassembly {
            directions: Default::default(),
            count: 0,
            reset: None,
            now: (0, Timestamp(0)),
            differing: None,
            over_limit: false,
            most_waiting,
        }
    }

    /// Takes the next segments of the connection. `last`: there are no others behind them.
    pub(super) fn run(&mut self, run: &[Segment], last: bool, source: Source<'_>, out: &mut impl FnMut(Piece)) {
        for (index, segment) in run.iter().enumerate() {
            self.now = (segment.frame, segment.time);
            let ahead = Ahead { rest: run.get(index + 1..).unwrap_or_default(), last };
            self.segment(segment, ahead, source, out);
            self.count += 1;
        }
        if last {
            let ahead = Ahead { rest: &[], last };
            for end in [End::First, End::Second] {
                self.settle(end, ahead, out);
                if self.reset.is_some() {
                    self.end(end, true, out);
                }
            }
        }
    }

    /// How the connection ended: with its first FIN, since HTTP needs both directions, or with a reset.
    pub(super) fn closed(&self) -> Option<Closed> {
        let finished = self.directions.iter().filter_map(|direction| direction.finished_at).min();
        let finished = finished.map(|at| Closed { at, by_reset: false });
        finished.or(self.reset.map(|at| Closed { at, by_reset: true }))
    }

    /// Pieces that wait.
    pub(super) fn waiting(&self) -> usize {
        self.directions.iter().map(Direction::pieces).sum()
    }

    /// Whether the recording holds the opening of this direction.
    pub(super) fn begins_at_start(&self, end: End) -> bool {
        self.directions[end.index()].from_start
    }

    /// Finds where each direction begins: behind its SYN, or where the other end says; otherwise at the lowest number of
    /// the first segments, in the middle.
    pub(super) fn begin(&mut self, run: &[Segment]) {
        let near = run.get(..AHEAD).unwrap_or(run);
        let syn = |end: End| near.iter().find(|segment| segment.from == end && segment.flags & (SYN | RST) == SYN);
        for end in [End::First, End::Second] {
            let of_other = || {
                let opening = syn(end.other())?;
                if opening.flags & ACK != 0 {
                    return Some(opening.acknowledgment);
                }
                // The third segment of the opening says where the other direction begins.
                let third = |it: &&Segment| {
                    it.from == end.other()
                        && it.flags & (ACK | RST) == ACK
                        && it.sequence == opening.sequence.wrapping_add(1)
                };
                near.iter().find(third).map(|segment| segment.acknowledgment)
            };
            let direction = &mut self.directions[end.index()];
            if let Some(opening) = syn(end) {
                direction.begin(opening.sequence.wrapping_add(1), true);
            } else if let Some(sequence) = of_other() {
                direction.begin(sequence, true);
            } else if let Some((sequence, certain)) = lowest(near, end) {
                direction.begin(sequence, false);
                direction.soft = !certain;
            }
        }
    }

    fn segment(&mut self, segment: &Segment, ahead: Ahead<'_>, source: Source<'_>, out: &mut impl FnMut(Piece)) {
        let from = segment.from;
        if segment.flags & (ACK | RST) == ACK {
            self.acknowledge(segment, ahead);
        }
        let opens = segment.flags & SYN != 0;
        // RFC 9293, 3.4: SYN takes a number before the first octet.
        let sequence = if opens { segment.sequence.wrapping_add(1) } else { segment.sequence };
        let direction = &mut self.directions[from.index()];
        if direction.next.is_none() && segment.flags & RST == 0 {
            direction.begin(sequence, opens);
        }
        if segment.flags & RST != 0 {
            return self.reset(from, ahead, out);
        }
        let finishes = segment.flags & FIN != 0;
        if (segment.sent > 0 || finishes) && !direction.ended {
            let start = direction.position(sequence).filter(|start| direction.in_window(*start));
            if let Some(start) =
                start.filter(|start| !direction.is_jump(*start) || ahead.supports(direction, from, *start))
            {
                let mut differs = false;
                let octets = if segment.held > 0 { direction.take(start, segment, source, &mut differs) } else { None };
                direction.reaches(start.saturating_add(u64::from(segment.sent)), finishes, segment.time);
                if differs {
                    self.differing.get_or_insert(segment.frame);
                }
                if let Some(octets) = octets {
                    self.tell(from, Content::Data(octets), out);
                }
            }
        }
        self.settle(from, ahead, out);
        self.settle(from.other(), ahead, out);
    }

    /// The other direction has come so far.
    fn acknowledge(&mut self, segment: &Segment, ahead: Ahead<'_>) {
        let direction = &mut self.directions[segment.from.other().index()];
        if direction.next.is_none() {
            direction.begin(segment.acknowledgment, false);
        }
        let Some(position) = direction.position(segment.acknowledgment) else { return };
        if direction.is_jump(position) && !ahead.acknowledges(direction, segment.from, position) {
            return;
        }
        if direction.in_window(position) {
            direction.acknowledge(position);
        }
    }

    /// RST: nothing more comes from this end, unless more does come: then it was not the end's own.
    fn reset(&mut self, from: End, ahead: Ahead<'_>, out: &mut impl FnMut(Piece)) {
        if ahead.goes_on(&self.directions[from.index()], from) {
            return;
        }
        self.reset.get_or_insert(self.now.1);
        self.directions[from.index()].wait_until = 0;
        self.settle(from, Ahead { rest: &[], last: true }, out);
        self.end(from, true, out);
    }

    /// Tells what has come into order, and gives up what never will.
    fn settle(&mut self, end: End, ahead: Ahead<'_>, out: &mut impl FnMut(Piece)) {
        loop {
            while let Some(octets) = self.directions[end.index()].pop() {
                self.tell(end, Content::Data(octets), out);
            }
            let direction = &mut self.directions[end.index()];
            if direction.is_finished() {
                return self.end(end, false, out);
            }
            let (Some(next), Some(until)) = (direction.next, direction.hole()) else { return };
            if direction.ended {
                return;
            }
            let over = direction.is_over(self.most_waiting);
            if !over {
                if self.count < direction.wait_until {
                    return;
                }
                match ahead.fill(direction, end, next) {
                    Fill::After(segments) => {
                        direction.wait_until = self.count + segments as u64;
                        return;
                    }
                    Fill::Perhaps => {
                        direction.wait_until = self.count + 1 + ahead.rest.len() as u64;
                        return;
                    }
                    Fill::Never => {}
                }
            }
            self.over_limit |= over;
            let missing = direction.skip_to(until);
            // What is missing before the first octet of a recording that begins in the middle has no size.
            if !std::mem::take(&mut direction.soft) {
                self.tell(end, Content::Gap(Some(missing)), out);
            }
        }
    }

    fn end(&mut self, end: End, by_reset: bool, out: &mut impl FnMut(Piece)) {
        if !std::mem::replace(&mut self.directions[end.index()].ended, true) {
            self.tell(end, Content::End { by_reset }, out);
        }
    }

    fn tell(&self, from: End, content: Content, out: &mut impl FnMut(Piece)) {
        out(Piece { from, content, frame: self.now.0, time: self.now.1 });
    }
}

/// The lowest sequence number in the first segments, and whether it is certain, since it is that of payload.
fn lowest(near: &[Segment], end: End) -> Option<(u32, bool)> {
    let mine = || near.iter().filter(|segment| segment.from == end && segment.flags & RST == 0);
    // A probe has at most one octet and stands one before what comes next.
    let payload = || mine().filter(|segment| segment.sent > 1);
    let first = payload().next().or_else(|| mine().next())?.sequence;
    let lower = |a: &&Segment, b: &&Segment| {
        let ahead = |it: &Segment| it.sequence.wrapping_sub(first).cast_signed();
        ahead(a).cmp(&ahead(b))
    };
    payload().min_by(lower).map(|segment| (segment.sequence, true)).or(Some((first, false)))
}

/// The segments behind the one that is read.
#[derive(Clone, Copy)]
struct Ahead<'a> {
    rest: &'a [Segment],
    /// Whether there are no others behind them.
    last: bool,
}

impl Ahead<'_> {
    fn near(&self, most: usize) -> impl Iterator<Item = (usize, &Segment)> {
        self.rest.iter().take(most).enumerate()
    }

    /// Whether a later segment brings the octet at `next`.
    fn fill(&self, direction: &Direction, end: End, next: u64) -> Fill {
        let brings = |segment: &Segment| {
            segment.from == end
                && segment.held > 0
                && segment.flags & RST == 0
                && position(direction, segment)
                    .is_some_and(|start| start <= next && next < start.saturating_add(u64::from(segment.held)))
        };
        match self.near(AHEAD).find(|(_, segment)| brings(segment)) {
            Some((index, _)) => Fill::After(index + 1),
            None if self.last || self.rest.len() >= AHEAD => Fill::Never,
            None => Fill::Perhaps,
        }
    }

    /// Whether other segments stand near one that jumps ahead, or the other end has got that far.
    fn supports(&self, direction: &Direction, end: End, start: u64) -> bool {
        let near = |found: Option<u64>| found.is_some_and(|found| found.abs_diff(start) <= JUMP);
        self.near(NEAR).any(|(_, segment)| {
            if segment.from == end {
                near(position(direction, segment))
            } else {
                segment.flags & (ACK | RST) == ACK && near(direction.position(segment.acknowledgment))
            }
        })
    }

    /// Whether an acknowledgment that jumps ahead is supported by another one, or by what is acknowledged.
    fn acknowledges(&self, direction: &Direction, acknowledging: End, at: u64) -> bool {
        self.supports(direction, acknowledging.other(), at)
    }

    /// Whether this end sends new octets later.
    fn goes_on(&self, direction: &Direction, end: End) -> bool {
        self.near(AHEAD).any(|(_, segment)| {
            segment.from == end
                && segment.held > 1
                && segment.flags & RST == 0
                && position(direction, segment)
                    .is_some_and(|start| Some(start) >= direction.next && direction.in_window(start))
        })
    }
}

fn position(direction: &Direction, segment: &Segment) -> Option<u64> {
    let opens = segment.flags & SYN != 0;
    direction.position(if opens { segment.sequence.wrapping_add(1) } else { segment.sequence })
}
