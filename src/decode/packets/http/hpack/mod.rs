//! Header compression of HTTP/2 (RFC 7541), decoded.
//!
//! A recording may begin after entries of the dynamic table were made, or miss some. A field that refers to such an entry
//! is unknown; it is never guessed.

mod huffman;
mod static_table;

use compact_str::CompactString;
use std::collections::VecDeque;

use super::bounds;
use super::head::text;
use static_table::STATIC_TABLE;

/// A header field, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Field {
    /// Name and value.
    Known(CompactString, CompactString),
    /// Its name, its value or both stand in a table entry that is not known.
    Unknown,
}

/// A block that is no header compression. What follows on the same side cannot be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

/// Decodes the header blocks of one side of a connection.
#[derive(Debug)]
pub(super) struct Decoder {
    /// The dynamic table, newest entry first.
    table: VecDeque<Entry>,
    /// Size of its entries (RFC 7541, 4.1).
    size: usize,
    /// The most that it may grow to.
    most: usize,
    /// Whether every entry since the beginning of the connection is known.
    whole: bool,
}

/// An entry of the dynamic table. What is not known was taken from an unknown entry.
#[derive(Debug, Clone)]
struct Entry {
    name: Option<CompactString>,
    value: Option<CompactString>,
}

impl Entry {
    /// RFC 7541, 4.1. An unknown string counts nothing: keeping an entry longer than the encoder does no harm.
    fn size(&self) -> usize {
        32 + self.name.as_ref().map_or(0, |name| name.len()) + self.value.as_ref().map_or(0, |value| value.len())
    }
}

impl Decoder {
    /// From the beginning of a connection where `whole`.
    pub(super) fn new(whole: bool) -> Self {
        let mut decoder = Decoder { table: VecDeque::new(), size: 0, most: 4096, whole };
        if !whole {
            decoder.lose();
        }
        decoder
    }

    /// Blocks were missed: every entry is unknown from here on.
    pub(super) fn lose(&mut self) {
        self.table.clear();
        self.size = 0;
        self.whole = false;
        // The encoder may have raised it meanwhile. Evicting too late does no harm: an encoder never refers to what is
        // evicted.
        self.most = self.most.max(bounds::TABLE_UNKNOWN);
    }

    /// Decodes one block and hands out its fields in order.
    pub(super) fn decode(&mut self, block: &[u8], mut field: impl FnMut(Field)) -> Result<(), Broken> {
        let mut rest = Input(block);
        while let Some(first) = rest.0.first().copied() {
            match first {
                0x80.. => {
                    let entry = self.entry(rest.integer(7)?)?;
                    field(entry.into());
                }
                0x40.. => {
                    let entry = self.literal(&mut rest, 6)?;
                    self.insert(entry.clone());
                    field(entry.into());
                }
                0x20.. => {
                    let size = rest.integer(5)?;
                    self.resize(size);
                }
                // Without indexing, and never indexed.
                _ => field(self.literal(&mut rest, 4)?.into()),
            }
        }
        Ok(())
    }

    fn literal(&self, rest: &mut Input<'_>, prefix: u32) -> Result<Entry, Broken> {
        let name = match rest.integer(prefix)? {
            0 => Some(rest.string()?),
            index => self.entry(index)?.name,
        };
        Ok(Entry { name, value: Some(rest.string()?) })
    }

    fn entry(&self, index: usize) -> Result<Entry, Broken> {
        let index = index.checked_sub(1).ok_or(Broken)?;
        if let Some((name, value)) = STATIC_TABLE.get(index) {
            return Ok(Entry { name: Some((*name).into()), value: Some((*value).into()) });
        }
        match self.table.get(index - STATIC_TABLE.len()) {
            Some(entry) => Ok(entry.clone()),
            None if !self.whole => Ok(Entry { name: None, value: None }),
            None => Err(Broken),
        }
    }

    fn insert(&mut self, entry: Entry) {
        self.size += entry.size();
        self.table.push_front(entry);
        self.evict();
    }

    fn evict(&mut self) {
        while self.size > self.most {
            let Some(entry) = self.table.pop_back() else { return };
            self.size -= entry.size();
        }
    }

    /// A size update (RFC 7541, 6.3). What the other side allowed in SETTINGS is not looked up: a size over it is the
    /// sender's fault, and its blocks are to be read all the same.
    fn resize(&mut self, size: usize) {
        self.most = size;
        if size > bounds::TABLE {
            // Entries will be evicted here that the encoder still has.
            self.most = bounds::TABLE;
            self.whole = false;
        }
        self.evict();
    }
}

impl From<Entry> for Field {
    fn from(entry: Entry) -> Self {
        match (entry.name, entry.value) {
            (Some(name), Some(value)) => Field::Known(name, value),
            _ => Field::Unknown,
        }
    }
}

/// The rest of a block.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn octet(&mut self) -> Result<u8, Broken> {
        let (first, rest) = self.0.split_first().ok_or(Broken)?;
        self.0 = rest;
        Ok(*first)
    }

    /// RFC 7541, 5.1, in a prefix of so many bits.
    fn integer(&mut self, prefix: u32) -> Result<usize, Broken> {
        let most = (1usize << prefix) - 1;
        let mut value = usize::from(self.octet()?) & most;
        if value < most {
            return Ok(value);
        }
        for shift in [0, 7, 14, 21] {
            let octet = self.octet()?;
            value += usize::from(octet & 0x7f) << shift;
            if octet < 0x80 {
                return Ok(value);
            }
        }
        // More than 28 bits: no length or index is that large.
        Err(Broken)
    }

    /// RFC 7541, 5.2.
    fn string(&mut self) -> Result<CompactString, Broken> {
        let coded = self.0.first().ok_or(Broken)? & 0x80 != 0;
        let length = self.integer(7)?;
        let (octets, rest) = self.0.split_at_checked(length).ok_or(Broken)?;
        self.0 = rest;
        if coded { huffman::decode(octets).map(|octets| text(&octets)).ok_or(Broken) } else { Ok(text(octets)) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields(decoder: &mut Decoder, block: &[u8]) -> Result<Vec<Field>, Broken> {
        let mut fields = Vec::new();
        decoder.decode(block, |field| fields.push(field))?;
        Ok(fields)
    }

    fn known(list: &[(&str, &str)]) -> Vec<Field> {
        list.iter().map(|(name, value)| Field::Known((*name).into(), (*value).into())).collect()
    }

    #[test]
    fn three_requests_of_the_specification() {
        // RFC 7541, C.4.
        let first =
            [0x82, 0x86, 0x84, 0x41, 0x8c, 0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff];
        let second = [0x82, 0x86, 0x84, 0xbe, 0x58, 0x86, 0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf];
        let head = |rest: &[(&str, &str)]| {
            let list = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "www.example.com")];
            known(&[&list, rest].concat())
        };
        let mut decoder = Decoder::new(true);
        assert_eq!(fields(&mut decoder, &first), Ok(head(&[])));
        assert_eq!(fields(&mut decoder, &second), Ok(head(&[("cache-control", "no-cache")])));

        // The same without the beginning: the authority is unknown, what was made since is known.
        let mut decoder = Decoder::new(false);
        let mut unknown = head(&[("cache-control", "no-cache")]);
        unknown[3] = Field::Unknown;
        assert_eq!(fields(&mut decoder, &second), Ok(unknown));
        assert_eq!(
            fields(&mut decoder, &[0xbe, 0xbf]),
            Ok([known(&[("cache-control", "no-cache")]), vec![Field::Unknown]].concat())
        );
    }

    #[test]
    fn an_unknown_name_stays_unknown() {
        let mut decoder = Decoder::new(false);
        // A literal with the name of entry 70, indexed: the new entry is as unknown as its name.
        assert_eq!(fields(&mut decoder, &[0x7f, 0x07, 1, b'x', 0xbe]), Ok(vec![Field::Unknown, Field::Unknown]));
        assert_eq!(fields(&mut Decoder::new(true), &[0xbe]), Err(Broken));
    }

    #[test]
    fn a_table_of_any_size_asked_for_stays_within_its_bound() {
        let mut decoder = Decoder::new(true);
        fields(&mut decoder, &[0x3f, 0xff, 0xff, 0xff, 0x7f]).unwrap();
        assert_eq!(decoder.most, bounds::TABLE);
    }

    proptest! {
        #[test]
        fn agrees_with_another_decoder(
            lists in prop::collection::vec(prop::collection::vec(("[a-e]{1,3}", "[ -~]{0,20}"), 0..8), 1..8),
        ) {
            let mut encoder = loona_hpack::Encoder::new();
            let (mut ours, mut other) = (Decoder::new(true), loona_hpack::Decoder::new());
            for list in lists {
                let block = encoder.encode(list.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())));
                let expected = other.decode(&block).unwrap();
                let expected: Vec<_> = expected.iter().map(|(name, value)| Field::Known(text(name), text(value))).collect();
                prop_assert_eq!(fields(&mut ours, &block), Ok(expected));
            }
        }

        #[test]
        fn agrees_on_hostile_blocks(blocks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..6)) {
            let (mut ours, mut other) = (Decoder::new(true), loona_hpack::Decoder::new());
            other.set_max_allowed_table_size(bounds::TABLE);
            for block in blocks {
                match (fields(&mut ours, &block), other.decode(&block)) {
                    (Ok(ours), Ok(other)) => {
                        let other: Vec<_> = other.iter().map(|(name, value)| Field::Known(text(name), text(value))).collect();
                        prop_assert_eq!(ours, other);
                    }
                    _ => break,
                }
            }
        }
    }
}
