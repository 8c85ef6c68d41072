//! The keys of one side at one stage, and the search for the place where records open again after some are missing.

use bytes::Bytes;

use super::cipher::Opener;
use super::framing::Record;
use super::keylog::KeySecret;

/// Most records that may have been missed and are still looked for.
const MOST_MISSED: u64 = 1 << 16;

/// What the keys protect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Everything of TLS 1.2 after ChangeCipherSpec.
    Tls12,
    /// 0-RTT data.
    Early,
    /// The handshake of TLS 1.3 after the ServerHello.
    Handshake,
    /// What follows the handshake of TLS 1.3.
    Application,
}

/// A record that was opened.
#[derive(Debug)]
pub(super) struct Plain {
    /// The kind of the record; with TLS 1.3 the one inside.
    pub(super) kind: u8,
    pub(super) octets: Bytes,
    /// Its number under these keys.
    pub(super) sequence: u64,
    /// How many records under the same keys were not seen before this one.
    pub(super) missed: u64,
}

/// How many octets may be spent on trying. In proportion to what was received, so that nobody can make us work for long.
#[derive(Debug, Default)]
pub(super) struct Budget {
    spent: u64,
    allowed: u64,
    spent_out: bool,
}

impl Budget {
    /// The least that may be spent, and how much more for each octet received.
    const LEAST: u64 = 512 << 10;
    const EACH: u64 = 32;
    /// The part of what is left that one record may take.
    const SHARE: u64 = 8;

    pub(super) fn received(&mut self, octets: u64) {
        self.allowed = Self::LEAST.saturating_add(octets.saturating_mul(Self::EACH));
    }

    /// Whether there is too little left to go on.
    pub(super) fn is_spent(&self) -> bool {
        self.spent_out
    }

    /// How many attempts one record of this length is worth: a share of what is left, since what looks like a record may
    /// be none.
    fn attempts(&mut self, octets: usize) -> u64 {
        let attempts = self.allowed.saturating_sub(self.spent) / Self::SHARE / Self::cost(octets);
        self.spent_out = attempts == 0;
        attempts
    }

    fn spend(&mut self, octets: usize) {
        self.spent = self.spent.saturating_add(Self::cost(octets));
    }

    /// Setting up costs as well, whatever the length.
    fn cost(octets: usize) -> u64 {
        octets as u64 + 64
    }
}

/// The keys of one side at one stage.
pub(super) struct Keys {
    pub(super) stage: Stage,
    opener: Opener,
    /// How many octets longer than its text a record is; `None` where that depends on the text.
    pub(super) overhead: Option<usize>,
    /// From which the next keys are made (TLS 1.3, after the handshake).
    pub(super) secret: Option<KeySecret>,
    /// The number of the next record.
    sequence: u64,
    /// How many records may have been missed; `None` where the number is certain.
    missed: Option<u64>,
    /// Whether records that do not open are expected and are not counted: refused 0-RTT data stand before the first one
    /// that does.
    pub(super) patient: bool,
    /// The keys that follow these, once they were asked for.
    following: Option<Box<Keys>>,
}

impl Keys {
    pub(super) fn new(stage: Stage, opener: Opener) -> Self {
        Keys { stage, opener, overhead: None, secret: None, sequence: 0, missed: None, patient: false, following: None }
    }

    /// Keys for a side on which it is not certain that the next record is the first one under them.
    pub(super) fn uncertain(mut self, missed: u64) -> Self {
        self.maybe_missed(missed);
        self
    }

    /// Whether application data stand under these keys.
    pub(super) fn carry_data(&self) -> bool {
        self.stage != Stage::Handshake
    }

    /// Takes note that exactly one record is missing.
    pub(super) fn missed_one(&mut self) {
        self.sequence = self.sequence.saturating_add(1);
        self.maybe_missed(0);
    }

    /// Takes note that up to so many records are missing.
    pub(super) fn maybe_missed(&mut self, records: u64) {
        self.missed = Some(self.missed.unwrap_or(0).saturating_add(records).min(MOST_MISSED));
    }

    /// Opens a record: under these keys, or, where records were missed, under those that `following` makes. `None` where
    /// neither opens it.
    pub(super) fn open(
        &mut self,
        mut record: Record,
        budget: &mut Budget,
        following: impl FnOnce(&Keys) -> Option<Keys>,
    ) -> Option<Plain> {
        if let Some(missed) = self.missed {
            return self.search(&record, missed, budget, following);
        }
        let opened = self.opener.open(record.kind, record.version, &mut record.body, self.sequence);
        let Some((kind, range)) = opened else {
            // Whether the sender counted it is not known: its octets may have been damaged, or never been a record.
            self.missed = Some(1);
            return None;
        };
        let sequence = self.sequence;
        self.sequence = sequence.saturating_add(1);
        Some(Plain { kind, octets: record.body.freeze().slice(range), sequence, missed: 0 })
    }

    fn search(
        &mut self,
        record: &Record,
        missed: u64,
        budget: &mut Budget,
        following: impl FnOnce(&Keys) -> Option<Keys>,
    ) -> Option<Plain> {
        if let Some(plain) = self.search_here(record, missed, budget) {
            return Some(plain);
        }
        if self.patient {
            return None;
        }
        if self.following.is_none() {
            self.following = following(self).map(Box::new);
        }
        if let Some(mut next) = self.following.take() {
            if let Some(plain) = next.search_here(record, missed, budget) {
                *self = *next;
                return Some(plain);
            }
            self.following = Some(next);
        }
        self.maybe_missed(1);
        None
    }

    fn search_here(&mut self, record: &Record, missed: u64, budget: &mut Budget) -> Option<Plain> {
        let attempts = budget.attempts(record.body.len());
        for missed in (0..=missed).take(usize::try_from(attempts).unwrap_or(usize::MAX)) {
            budget.spend(record.body.len());
            let sequence = self.sequence.checked_add(missed)?;
            // A record that does not open is spoilt: each attempt has a copy of its own.
            let mut body = record.body.clone();
            if let Some((kind, range)) = self.opener.open(record.kind, record.version, &mut body, sequence) {
                self.sequence = sequence.saturating_add(1);
                self.missed = None;
                self.patient = false;
                return Some(Plain { kind, octets: body.freeze().slice(range), sequence, missed });
            }
        }
        None
    }
}
