//! The layer itself: where chunks come in, in which order records are taken, and what is handed on.

use std::sync::Arc;

use bytes::Bytes;

use super::agreement::Agreement;
use super::facts::{Alert, EarlyData, TlsFacts, WhyClosed};
use super::flow::{At, Flow, Held, Protection};
use super::framing::{Header, Record, Torn, kind};
use super::hello::ServerHello;
use super::keylog::{ClientRandom, KeyLog};
use super::keys::{Keys, Plain, Stage};
use super::messages::kind as message;
use crate::decode::packets::stream::{Chunk, Content, Side, Sink};

/// The shortest protected record that carries anything, with its header (RFC 8446, 5.2).
const SHORTEST: u64 = 5 + 17;
/// Octets that are taken at once, however long a chunk is.
const AT_ONCE: usize = 64 << 10;
/// How many records may be missing where it is not known how many octets are.
const UNKNOWN_MISSED: u64 = 1024;

/// One TLS connection on its way to the next layer.
///
/// Gives the next layer the application data that could be opened, a gap where some could not, and one end for each
/// side: at its `close_notify`, otherwise where the connection ends. Where nothing can be opened, only the ends.
pub(crate) struct Tls<S> {
    pub(super) keylog: Arc<KeyLog>,
    next: S,
    pub(super) facts: TlsFacts,
    pub(super) client: Flow,
    pub(super) server: Flow,
    /// Of the hello that waits for an answer or has one.
    pub(super) client_random: Option<ClientRandom>,
    /// Until the next handshake begins.
    pub(super) server_hello: Option<ServerHello>,
    pub(super) agreement: Option<Agreement>,
}

impl<S: Sink> Sink for Tls<S> {
    fn chunk(&mut self, chunk: Chunk) {
        let at = At { frame: chunk.frame, time: chunk.time };
        if let Content::Data(octets) = &chunk.content {
            self.notice_sides(chunk.side, octets);
        }
        let side = if self.facts.sides_swapped { other(chunk.side) } else { chunk.side };
        match chunk.content {
            Content::Data(octets) => octets.chunks(AT_ONCE).for_each(|part| self.data(side, part, at)),
            Content::Gap(size) => self.gap(side, size, at),
            Content::End { by_reset } => self.end(side, by_reset, at),
        }
        self.drain();
    }
}

impl<S: Sink> Tls<S> {
    /// A connection of which nothing was seen yet.
    pub(crate) fn new(keylog: Arc<KeyLog>, next: S) -> Self {
        Tls {
            keylog,
            next,
            facts: TlsFacts::default(),
            client: Flow::new(),
            server: Flow::new(),
            client_random: None,
            server_hello: None,
            agreement: None,
        }
    }

    /// Ends the connection where the capture ends. What still waits is not handed on.
    pub(crate) fn finish(mut self) -> (S, TlsFacts) {
        self.server_is_silent();
        self.drain();
        for side in [Side::Client, Side::Server] {
            if !self.flow(side).held.is_empty() {
                self.seal(side, self.why_unanswered());
            }
        }
        self.drain();
        (self.next, self.facts)
    }

    /// A hello of the client tells who is who, where the opening of the connection was not seen.
    fn notice_sides(&mut self, side: Side, octets: &[u8]) {
        let first = self.client.framing.received() == 0 && self.server.framing.received() == 0;
        if first && let [kind::HANDSHAKE, 3, _, _, _, hello @ (1 | 2), ..] = octets {
            self.facts.sides_swapped = (*hello == 1) != (side == Side::Client);
        }
    }

    pub(super) fn flow(&mut self, side: Side) -> &mut Flow {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    fn data(&mut self, side: Side, octets: &[u8], at: At) {
        let flow = self.flow(side);
        if matches!(flow.protection, Protection::Sealed) {
            self.facts.octets_closed = self.facts.octets_closed.saturating_add(octets.len() as u64);
            return;
        }
        flow.framing.push(octets);
        flow.budget.received(flow.framing.received());
        loop {
            let flow = self.flow(side);
            if matches!(flow.protection, Protection::Sealed) {
                let left = flow.framing.discard();
                self.facts.octets_closed = self.facts.octets_closed.saturating_add(left as u64);
                return;
            }
            if let Some(record) = flow.framing.next() {
                self.record(side, record, at);
            } else if !flow.framing.is_lost() || !self.find(side, at) {
                return;
            }
        }
    }

    /// Takes a record now, or keeps it until the other side has said how it is protected.
    fn record(&mut self, side: Side, record: Record, at: At) {
        let waits = !self.flow(side).held.is_empty() || self.waits(side, Some(record.kind));
        if !waits {
            return self.take(side, record, at);
        }
        self.hold(side, Held::Record(record, at), at);
    }

    fn hold(&mut self, side: Side, held: Held, at: At) {
        if !self.flow(side).hold(held) {
            let message = "more TLS records than can be kept came before the other side answered; left out";
            self.facts.problem(at.frame, message.to_owned());
            self.seal(side, self.why_unanswered());
        }
    }

    /// Whether a record cannot be understood before the other side has spoken: 0-RTT data, and whatever the capture has
    /// in a wrong order.
    fn waits(&self, side: Side, kind: Option<u8>) -> bool {
        let flow = if side == Side::Client { &self.client } else { &self.server };
        let clear = matches!(kind, Some(kind::HANDSHAKE | kind::ALERT));
        flow.is_plain()
            && match (side, &self.agreement) {
                (Side::Client, None) => self.client_random.is_some() && self.server_hello.is_none() && !clear,
                // Until the server has said whether it takes 0-RTT data.
                (Side::Client, Some(Agreement::Tls13 { .. })) => true,
                (Side::Client, Some(Agreement::Old { .. })) => false,
                (Side::Server, agreement) => {
                    agreement.is_none() && self.server_hello.is_some() && self.client_random.is_none()
                }
            }
    }

    /// Takes what waited, as far as it can be taken now.
    fn drain(&mut self) {
        let mut again = true;
        while again {
            again = false;
            for side in [Side::Client, Side::Server] {
                again |= self.drain_side(side);
            }
        }
    }

    fn drain_side(&mut self, side: Side) -> bool {
        let mut progress = false;
        loop {
            let kind = match self.flow(side).held.front() {
                None => break,
                Some(Held::Record(record, _)) => Some(record.kind),
                Some(Held::Missed { .. }) => None,
            };
            if self.waits(side, kind) {
                return progress;
            }
            progress = true;
            match self.flow(side).release() {
                Some(Held::Record(record, at)) => self.take(side, record, at),
                Some(Held::Missed { records, certain, at }) => self.missed_records(side, records, certain, at),
                None => {}
            }
        }
        if let Some((by_reset, at)) = self.flow(side).ended.take() {
            self.tell_end(side, by_reset, at);
        }
        progress
    }

    /// Takes a record.
    fn take(&mut self, side: Side, record: Record, at: At) {
        match &self.flow(side).protection {
            Protection::Plain => self.take_plain(side, record, at),
            Protection::Open(keys) => {
                let stage = keys.stage;
                self.take_protected(side, stage, record, at);
            }
            Protection::Sealed => self.facts.records_closed = self.facts.records_closed.saturating_add(1),
        }
    }

    fn take_plain(&mut self, side: Side, record: Record, at: At) {
        match record.kind {
            kind::HANDSHAKE => self.messages(side, record.body.freeze(), at),
            kind::ALERT => self.alert(side, &record.body, at),
            kind::CHANGE_CIPHER_SPEC => self.change_cipher(side),
            // Refused together with the first hello.
            _ if side == Side::Client && self.facts.hello_retry && self.agreement.is_none() => {}
            _ => {
                self.facts.records_closed = self.facts.records_closed.saturating_add(1);
                self.seal_both(self.why_unanswered());
            }
        }
    }

    fn take_protected(&mut self, side: Side, stage: Stage, record: Record, at: At) {
        let header = Header { kind: record.kind, version: record.version, length: record.body.len() };
        if stage != Stage::Tls12 {
            match (record.kind, record.body.len()) {
                (kind::APPLICATION_DATA, _) => {}
                // Middleboxes want to see one (RFC 8446, D.4).
                (kind::CHANGE_CIPHER_SPEC, 1) => return,
                // A side that has no keys yet complains in the clear.
                (kind::ALERT, 2) => return self.alert(side, &record.body, at),
                _ => return,
            }
        }
        match self.open(side, record) {
            Some(plain) => self.opened(side, plain, at),
            None => self.not_opened(side, header, at),
        }
    }

    fn open(&mut self, side: Side, record: Record) -> Option<Plain> {
        let flow = match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        };
        let Protection::Open(keys) = &mut flow.protection else { return None };
        let (agreement, keylog) = (&self.agreement, &self.keylog);
        keys.open(record, &mut flow.budget, |keys| agreement.as_ref()?.following(keylog, side, keys))
    }

    fn opened(&mut self, side: Side, plain: Plain, at: At) {
        if self.is_out_of_place(side, &plain) {
            self.facts.records_closed = self.facts.records_closed.saturating_add(1);
            return self.seal(side, WhyClosed::WrongKeys);
        }
        self.facts.records_opened = self.facts.records_opened.saturating_add(1);
        self.flow(side).opened = true;
        if plain.missed > 0 {
            self.tell_gap(side, None, at);
        }
        match plain.kind {
            kind::APPLICATION_DATA => self.tell_data(side, plain.octets, at),
            kind::HANDSHAKE => self.messages(side, plain.octets, at),
            kind::ALERT => self.alert(side, &plain.octets, at),
            kind::CHANGE_CIPHER_SPEC => self.change_cipher(side),
            _ => {}
        }
    }

    /// The first record of TLS 1.2 under its keys is Finished (RFC 5246, 7.4.9). Where encrypt-then-mac vouches for the
    /// record but the ServerHello named another cipher than was used, this shows it.
    fn is_out_of_place(&mut self, side: Side, plain: &Plain) -> bool {
        let Protection::Open(keys) = &self.flow(side).protection else { return false };
        let finished = plain.kind == kind::HANDSHAKE && plain.octets.first() == Some(&message::FINISHED);
        keys.stage == Stage::Tls12 && plain.sequence == 0 && !finished
    }

    fn not_opened(&mut self, side: Side, header: Header, at: At) {
        let refused = self.facts.early_data == EarlyData::Refused;
        if matches!(&self.flow(side).protection, Protection::Open(keys) if keys.patient) && refused {
            return;
        }
        let unexplained = matches!(&self.client.protection, Protection::Open(keys) if keys.stage == Stage::Handshake);
        self.client.gap_owed |= side == Side::Client && unexplained;
        self.lost_record(side, header, at);
        if self.flow(side).budget.is_spent() {
            self.give_up(side, at);
        }
    }

    /// Looks for a record where it is not known where one begins. `false` where there is none yet.
    fn find(&mut self, side: Side, at: At) -> bool {
        let flow = self.flow(side);
        let Protection::Open(keys) = &flow.protection else {
            let left = flow.framing.discard();
            self.lost_in_plain(side, records_in(Some(left as u64)), at);
            return false;
        };
        let tls13 = keys.stage != Stage::Tls12;
        let Some(record) = flow.framing.candidate(|header| may_be_protected(header, tls13)) else { return false };
        self.tell_gap(side, None, at);
        match self.open(side, record) {
            Some(plain) => {
                self.flow(side).framing.found();
                self.opened(side, plain, at);
            }
            None => {
                self.flow(side).framing.not_found();
                if self.flow(side).budget.is_spent() {
                    self.give_up(side, at);
                }
            }
        }
        true
    }

    fn gap(&mut self, side: Side, size: Option<u64>, at: At) {
        let flow = self.flow(side);
        if matches!(flow.protection, Protection::Sealed) || (flow.is_plain() && flow.framing.received() == 0) {
            return;
        }
        let torn = flow.framing.gap(size);
        flow.messages.torn();
        let Protection::Open(keys) = &mut flow.protection else { return self.gap_in_plain(side, &torn, size, at) };
        match torn {
            Torn::Same => {}
            Torn::Record(header) => {
                keys.missed_one();
                self.lost_record(side, header, at);
            }
            Torn::Boundary => {
                keys.maybe_missed(records_in(size));
                self.facts.why.get_or_insert(WhyClosed::RecordsMissing);
                self.tell_gap(side, None, at);
            }
        }
    }

    fn gap_in_plain(&mut self, side: Side, torn: &Torn, size: Option<u64>, at: At) {
        match torn {
            Torn::Record(_) if self.must_hold(side) => {
                self.hold(side, Held::Missed { records: 1, certain: true, at }, at);
            }
            Torn::Same | Torn::Record(_) => {}
            Torn::Boundary => self.lost_in_plain(side, records_in(size), at),
        }
    }

    fn must_hold(&mut self, side: Side) -> bool {
        !self.flow(side).held.is_empty() || self.waits(side, None)
    }

    /// It is not known where the next record begins, on a side that has no keys yet.
    fn lost_in_plain(&mut self, side: Side, missed: u64, at: At) {
        if self.must_hold(side) {
            if let Some(Held::Missed { records, certain: false, .. }) = self.flow(side).held.back_mut() {
                *records = records.saturating_add(missed);
                return;
            }
            return self.hold(side, Held::Missed { records: missed, certain: false, at }, at);
        }
        // ChangeCipherSpec may be among what is missing.
        match self.take_up(side) {
            Some(Ok(keys)) => self.arm(side, keys.uncertain(missed)),
            Some(Err(why)) => self.seal(side, why),
            None => self.seal_both(self.why_unanswered()),
        }
    }

    fn missed_records(&mut self, side: Side, records: u64, certain: bool, at: At) {
        match &mut self.flow(side).protection {
            Protection::Open(keys) if certain => keys.missed_one(),
            Protection::Open(keys) => keys.maybe_missed(records),
            Protection::Plain | Protection::Sealed => return,
        }
        self.tell_gap(side, None, at);
    }

    /// A protected record is there no more, or did not open.
    fn lost_record(&mut self, side: Side, header: Header, at: At) {
        self.facts.records_closed = self.facts.records_closed.saturating_add(1);
        let flow = self.flow(side);
        let Protection::Open(keys) = &flow.protection else { return };
        let why = if flow.opened { WhyClosed::RecordsMissing } else { WhyClosed::WrongKeys };
        // TLS 1.2 shows the kind, and with an AEAD the length of the text. TLS 1.3 hides both.
        let (data, size) = match keys.stage {
            Stage::Tls12 => {
                let size = keys.overhead.and_then(|overhead| header.length.checked_sub(overhead));
                (header.kind == kind::APPLICATION_DATA && size != Some(0), size.map(|size| size as u64))
            }
            _ => (true, None),
        };
        self.facts.why.get_or_insert(why);
        if data {
            self.tell_gap(side, size, at);
        }
    }

    fn give_up(&mut self, side: Side, at: At) {
        let message = "TLS records are missing or damaged, and the place to go on was not found; the rest is left out";
        self.facts.problem(at.frame, message.to_owned());
        self.seal(side, WhyClosed::RecordsMissing);
    }

    fn end(&mut self, side: Side, by_reset: bool, at: At) {
        let flow = self.flow(side);
        if flow.held.is_empty() {
            self.tell_end(side, by_reset, at);
        } else {
            flow.ended.get_or_insert((by_reset, at));
        }
    }

    fn alert(&mut self, side: Side, body: &[u8], at: At) {
        let [level, description] = body else { return };
        let from_client = side == Side::Client;
        if *description != 0 {
            let fatal = *level == 2;
            return self.facts.alert(Alert { from_client, fatal, description: *description, frame: at.frame });
        }
        match side {
            Side::Client => self.facts.client_closed = true,
            Side::Server => self.facts.server_closed = true,
        }
        self.end(side, false, at);
    }

    /// From now on the side is protected by these keys.
    pub(super) fn arm(&mut self, side: Side, keys: Keys) {
        let flow = self.flow(side);
        flow.messages.torn();
        flow.protection = Protection::Open(Box::new(keys));
    }

    /// Nothing more of this side can be read.
    pub(super) fn seal(&mut self, side: Side, why: WhyClosed) {
        self.facts.why.get_or_insert(why);
        let flow = self.flow(side);
        flow.protection = Protection::Sealed;
        let left = flow.framing.discard();
        self.facts.octets_closed = self.facts.octets_closed.saturating_add(left as u64);
        self.server_is_silent();
    }

    pub(super) fn seal_both(&mut self, why: WhyClosed) {
        self.seal(Side::Client, why);
        self.seal(Side::Server, why);
    }

    /// Why a record came that nothing before it explains.
    pub(super) fn why_unanswered(&self) -> WhyClosed {
        if self.client_random.is_some() { WhyClosed::NoServerHello } else { WhyClosed::HandshakeNotSeen }
    }

    fn tell_data(&mut self, side: Side, octets: Bytes, at: At) {
        if octets.is_empty() {
            return;
        }
        if std::mem::take(&mut self.flow(side).gap_owed) {
            self.tell_gap(side, None, at);
        }
        let flow = self.flow(side);
        flow.gap_told = false;
        flow.delivered = true;
        self.tell(side, Content::Data(octets), at);
    }

    fn tell_gap(&mut self, side: Side, size: Option<u64>, at: At) {
        let flow = self.flow(side);
        let data = match &flow.protection {
            Protection::Open(keys) => keys.carry_data(),
            _ => flow.delivered,
        };
        if !data || flow.gap_told {
            return;
        }
        flow.gap_told = size.is_none();
        self.tell(side, Content::Gap(size), at);
    }

    fn tell_end(&mut self, side: Side, by_reset: bool, at: At) {
        if !std::mem::replace(&mut self.flow(side).end_told, true) {
            self.tell(side, Content::End { by_reset }, at);
        }
    }

    fn tell(&mut self, side: Side, content: Content, at: At) {
        self.next.chunk(Chunk { side, content, frame: at.frame, time: at.time });
    }
}

fn other(side: Side) -> Side {
    match side {
        Side::Client => Side::Server,
        Side::Server => Side::Client,
    }
}

/// How many records may stand in so many octets.
fn records_in(octets: Option<u64>) -> u64 {
    octets.map_or(UNKNOWN_MISSED, |octets| octets / SHORTEST + 1)
}

fn may_be_protected(header: Header, tls13: bool) -> bool {
    // RFC 8446, 5.2: the outside of a record always looks the same.
    let kind = if tls13 { header.kind == kind::APPLICATION_DATA } else { true };
    kind && header.version == 0x0303 && header.length >= 16
}
