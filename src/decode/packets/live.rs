//! One connection while it is open: its segments on their way to the layers above.

use std::net::SocketAddr;

use super::Context;
use super::client::client;
use super::connections::ConnectionId;
use super::http::Found;
use super::layers::Layers;
use super::reassembly::Reassembly;
use super::refused::refusal;
use super::segment::{End, Segment, Source};
use super::stream::{Chunk, Content, Conversation, Side, Sink};
use crate::evidence::Refused;

/// Segments that are wanted before it is decided who is the client.
const ENOUGH: usize = 64;

/// One connection.
pub(super) struct Live {
    id: ConnectionId,
    ends: [SocketAddr; 2],
    /// Segments that came before there were enough.
    first: Vec<Segment>,
    reassembly: Reassembly,
    above: Option<Above>,
    missing: Missing,
    refused: Option<Box<Refused>>,
    /// The frame of its last segment.
    pub last_frame: u32,
}

/// What is above TCP.
struct Above {
    client: End,
    layers: Layers,
}

/// Octets that are not in the recording.
#[derive(Default)]
struct Missing {
    places: u64,
    octets: u64,
    /// The frame behind the first of them.
    frame: Option<u32>,
}

/// What is left of a connection.
pub(super) struct Finished {
    /// `tcp.stream`.
    pub stream: u32,
    /// What HTTP found.
    pub found: Found,
    /// Where it is one that was refused.
    pub refused: Option<Box<Refused>>,
    /// What could not be read: the frame, and the message.
    pub problems: Vec<(u32, String)>,
}

impl Finished {
    /// Whether there is anything beside exchanges.
    pub(super) fn says_more(&self) -> bool {
        let Finished { found, refused, problems, .. } = self;
        refused.is_some() || !problems.is_empty() || !found.problems.is_empty() || !found.tls.is_empty()
    }
}

impl Live {
    pub(super) fn new(id: ConnectionId, ends: [SocketAddr; 2], context: &Context<'_>) -> Live {
        let reassembly = Reassembly::new(context.options.limits.waiting);
        let (above, missing) = (None, Missing::default());
        Live { id, ends, first: Vec::new(), reassembly, above, missing, refused: None, last_frame: 0 }
    }

    /// Pieces that wait for others.
    pub(super) fn waiting(&self) -> usize {
        self.reassembly.waiting()
    }

    /// Takes the next segments. `last`: no others come.
    pub(super) fn run(&mut self, segments: &[Segment], last: bool, source: Source<'_>, context: &Context<'_>) {
        self.last_frame = segments.last().map_or(self.last_frame, |segment| segment.frame);
        let mut first = std::mem::take(&mut self.first);
        let segments = if first.is_empty() {
            segments
        } else {
            first.extend_from_slice(segments);
            &first
        };
        if self.above.is_none() {
            let lasting = segments.iter().all(|segment| source.is_lasting(segment));
            if segments.len() < ENOUGH && !last && lasting {
                self.first = segments.to_vec();
                return;
            }
            let ports = self.ends.map(|end| end.port());
            self.reassembly.begin(segments);
            self.refused = refusal(segments, self.ends, context.capture).map(Box::new);
            self.above = Some(self.above(client(segments, ports, source), context));
            self.tell_where_it_begins(segments);
        }
        let Live { reassembly, above, missing, .. } = self;
        let Some(above) = above else { return };
        reassembly.run(segments, last, source, &mut |piece| {
            if let Content::Gap(size) = piece.content {
                missing.places += 1;
                missing.octets = missing.octets.saturating_add(size.unwrap_or_default());
                missing.frame.get_or_insert(piece.frame);
            }
            let side = above.side(piece.from);
            above.layers.chunk(Chunk { side, content: piece.content, frame: piece.frame, time: piece.time });
        });
    }

    /// A recording that begins in the middle of a connection lacks something of unknown size.
    fn tell_where_it_begins(&mut self, segments: &[Segment]) {
        let Some(first) = segments.first() else { return };
        for end in [End::First, End::Second] {
            if !self.reassembly.begins_at_start(end)
                && let Some(above) = &mut self.above
            {
                let side = above.side(end);
                above.layers.chunk(Chunk { side, content: Content::Gap(None), frame: first.frame, time: first.time });
            }
        }
    }

    fn above(&self, client: End, context: &Context<'_>) -> Above {
        let (capture, tcp_stream) = (context.capture, self.id.0);
        let [first, second] = self.ends;
        let (asking, asked) = if client == End::First { (first, second) } else { (second, first) };
        let conversation = Conversation { capture, tcp_stream, client: asking, server: asked, closed: None };
        let mid_stream = [End::First, End::Second].iter().any(|end| !self.reassembly.begins_at_start(*end));
        Above { client, layers: Layers::new(conversation, context.shared.clone(), mid_stream) }
    }

    /// What is left, after the last run.
    pub(super) fn finish(self: Box<Self>) -> Finished {
        let stream = self.id.0;
        let closed = self.reassembly.closed();
        let mut found = Found::default();
        if let Some(above) = self.above {
            found = above.layers.finish();
            found.exchanges.iter_mut().for_each(|exchange| exchange.connection.closed = closed);
        }
        let mut problems = Vec::new();
        if found.recognised {
            let mut say = |frame, message: String| problems.push((frame, format!("tcp.stream {stream}: {message}")));
            if let Some(frame) = self.missing.frame {
                say(frame, self.missing.describe());
            }
            if let Some(frame) = self.reassembly.differing {
                let message = "octets that came before come again with other content; kept the first copy";
                say(frame, message.to_owned());
            }
            if self.reassembly.over_limit {
                let message = "more waits for a missing segment than the limit; it stays a gap";
                say(self.last_frame, message.to_owned());
            }
        }
        Finished { stream, found, refused: self.refused, problems }
    }
}

impl Missing {
    fn describe(&self) -> String {
        let places = if self.places == 1 { "in one place".to_owned() } else { format!("in {} places", self.places) };
        format!("{} octets are not in the recording, {places}", self.octets)
    }
}

impl Above {
    fn side(&self, end: End) -> Side {
        if end == self.client { Side::Client } else { Side::Server }
    }
}
