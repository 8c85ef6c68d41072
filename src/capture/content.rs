//! The content of a recording: octets that are shared, never copied, and a window that moves along them.

use std::fs::File;
use std::ops::{Deref, Range};
use std::sync::Arc;

use bytes::Bytes;

/// Octets of a window.
const WINDOW: usize = 64 << 10;
/// Longest part that is looked for in the window; reading more than this twice, where a window ends, costs more than it
/// saves.
const PART: usize = WINDOW / 4;

/// The content of a recording.
#[derive(Debug, Clone)]
pub struct Content {
    octets: Bytes,
    /// The file of which `octets` is the mapping; `None` where they are in memory.
    file: Option<Arc<File>>,
}

impl Content {
    /// Content that is the mapping of a file.
    pub(super) fn mapped(octets: Bytes, file: File) -> Content {
        Content { octets, file: Some(Arc::new(file)) }
    }

    /// A window at its beginning.
    pub(crate) fn window(&self) -> Window {
        Window { content: self.clone(), read: Vec::new(), start: 0 }
    }
}

impl From<Bytes> for Content {
    fn from(octets: Bytes) -> Content {
        Content { octets, file: None }
    }
}

impl From<Vec<u8>> for Content {
    fn from(octets: Vec<u8>) -> Content {
        Bytes::from(octets).into()
    }
}

impl Deref for Content {
    type Target = Bytes;

    fn deref(&self) -> &Bytes {
        &self.octets
    }
}

/// Octets in their order, for who looks at a little of everything. A file is read a window at a time: that costs half of
/// what it costs to map each of its pages for a few octets, and the pages that nobody else needs are never mapped.
pub(crate) struct Window {
    content: Content,
    /// What was read of the file, from `start` on.
    read: Vec<u8>,
    start: usize,
}

impl Window {
    /// Octets of the content.
    pub(crate) fn len(&self) -> usize {
        self.content.len()
    }

    /// The octets in `range`; `None` where the content ends before.
    pub(crate) fn get(&mut self, range: Range<usize>) -> Option<&[u8]> {
        if range.end > self.content.len() {
            return None;
        }
        if range.len() <= PART && !self.holds(&range) {
            self.move_to(range.start);
        }
        if !self.holds(&range) {
            return self.content.get(range);
        }
        self.read.get(range.start - self.start..range.end.checked_sub(self.start)?)
    }

    fn holds(&self, range: &Range<usize>) -> bool {
        range.start >= self.start && range.end.saturating_sub(self.start) <= self.read.len()
    }

    /// Reads the window that begins there, where there is a file.
    fn move_to(&mut self, start: usize) {
        let Some(file) = &self.content.file else { return };
        self.read.resize(WINDOW, 0);
        let length = read_at(file, &mut self.read, start).unwrap_or_default();
        self.read.truncate(length);
        self.start = start;
    }
}

/// Reads octets of the file from `start` on. How many.
#[cfg(unix)]
fn read_at(file: &File, into: &mut [u8], start: usize) -> std::io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, into, start as u64)
}

/// Elsewhere the mapping serves.
#[cfg(not(unix))]
fn read_at(_: &File, _: &mut [u8], _: usize) -> std::io::Result<usize> {
    Ok(0)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_window_shows_what_the_content_holds(
            ranges in prop::collection::vec((0..5 * WINDOW, 0..2 * WINDOW), 1..40),
        ) {
            let octets: Vec<u8> = (0..4 * WINDOW as u32).map(|number| (number.wrapping_mul(0x9e37_79b1) >> 24) as u8).collect();
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&octets).unwrap();
            let in_memory = Content::from(octets.clone());
            let mapped = Content::mapped(super::super::mapping::map(&file).unwrap(), file);
            let (mut one, mut other) = (in_memory.window(), mapped.window());
            for (start, length) in ranges {
                let expected = octets.get(start..start + length);
                prop_assert_eq!(one.get(start..start + length), expected);
                prop_assert_eq!(other.get(start..start + length), expected);
            }
        }
    }
}
