//! Handshake messages out of records: they may fill several records, and several may stand in one.

use bytes::Bytes;

/// Longest message that is kept. Longer ones of the kinds that are read are passed over like all others.
const LONGEST: usize = 64 << 10;

/// The kinds of messages that change what follows or say what a connection is (RFC 8446, 4).
pub(super) mod kind {
    pub(in super::super) const CLIENT_HELLO: u8 = 1;
    pub(in super::super) const SERVER_HELLO: u8 = 2;
    pub(in super::super) const END_OF_EARLY_DATA: u8 = 5;
    pub(in super::super) const ENCRYPTED_EXTENSIONS: u8 = 8;
    pub(in super::super) const FINISHED: u8 = 20;
    pub(in super::super) const KEY_UPDATE: u8 = 24;
}

/// A message of a kind that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) kind: u8,
    pub(super) body: Bytes,
}

/// What is known of the message that the next record goes on with.
#[derive(Default)]
pub(super) struct Messages {
    /// A message that has begun: its header and what there is of its body.
    begun: Vec<u8>,
    /// Octets still to come of a message that is passed over.
    skip: usize,
}

impl Messages {
    /// Takes the handshake octets of one record and gives the messages that are whole now.
    ///
    /// What follows a message that changes the keys is passed over: such a message ends its record (RFC 8446, 5.1).
    pub(super) fn record(&mut self, mut octets: Bytes) -> Vec<Message> {
        let mut found = Vec::new();
        while !octets.is_empty() {
            if self.skip > 0 {
                let passed = self.skip.min(octets.len());
                self.skip -= passed;
                octets = octets.slice(passed..);
                continue;
            }
            let Some(message) = self.next(&mut octets) else { continue };
            let last = matches!(message.kind, kind::END_OF_EARLY_DATA | kind::FINISHED | kind::KEY_UPDATE);
            found.push(message);
            if last {
                break;
            }
        }
        found
    }

    /// Forgets the message that has begun: octets are missing.
    pub(super) fn torn(&mut self) {
        self.begun.clear();
        self.skip = 0;
    }

    /// Takes at least one octet; a whole message where there is one of a kind that is read.
    fn next(&mut self, octets: &mut Bytes) -> Option<Message> {
        let missing = 4usize.saturating_sub(self.begun.len()).min(octets.len());
        self.begun.extend_from_slice(&octets.split_to(missing));
        let [kind, high, middle, low, body @ ..] = self.begun.as_slice() else { return None };
        let (kind, length) = (*kind, u32::from_be_bytes([0, *high, *middle, *low]));
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if !is_read(kind) || length > LONGEST {
            self.skip = length.saturating_sub(body.len());
            self.begun.clear();
            return None;
        }
        if body.is_empty() && octets.len() >= length {
            self.begun.clear();
            return Some(Message { kind, body: octets.split_to(length) });
        }
        let missing = length.saturating_sub(body.len()).min(octets.len());
        self.begun.extend_from_slice(&octets.split_to(missing));
        if self.begun.len() < length + 4 {
            return None;
        }
        let body = Bytes::from(std::mem::take(&mut self.begun)).slice(4..);
        Some(Message { kind, body })
    }
}

fn is_read(kind: u8) -> bool {
    use kind::*;
    matches!(kind, CLIENT_HELLO | SERVER_HELLO | END_OF_EARLY_DATA | ENCRYPTED_EXTENSIONS | FINISHED | KEY_UPDATE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let [_, high, middle, low] = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&[kind, high, middle, low][..], body].concat()
    }

    fn whole() -> Vec<u8> {
        [message(2, b"hello"), message(11, &[9; 300]), message(8, b""), message(4, b"ticket"), message(2, &[1; 40])]
            .concat()
    }

    proptest! {
        #[test]
        fn any_split_into_records_gives_the_same_messages(cuts in proptest::collection::vec(0usize..400, 0..20)) {
            let all = whole();
            let expected = Messages::default().record(Bytes::from(all.clone()));
            prop_assert_eq!(expected.iter().map(|message| message.kind).collect::<Vec<_>>(), vec![2, 8, 2]);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(all.len())).collect();
            cuts.sort_unstable();
            cuts.push(all.len());
            let (mut messages, mut found, mut from) = (Messages::default(), Vec::new(), 0);
            for cut in cuts {
                found.extend(messages.record(Bytes::copy_from_slice(&all[from..cut])));
                from = cut;
            }
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn what_is_too_long_is_passed_over() {
        let mut messages = Messages::default();
        assert_eq!(messages.record(Bytes::from(message(1, &vec![0; LONGEST + 1]))), []);
        assert_eq!(messages.record(Bytes::from(message(20, b"x"))).len(), 1);
    }

    #[test]
    fn a_change_of_keys_ends_its_record() {
        let two = [message(24, &[0]), message(24, &[0])].concat();
        assert_eq!(Messages::default().record(Bytes::from(two)).len(), 1);
    }
}
