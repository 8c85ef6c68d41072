//! What recorders say of themselves in Interface Statistics Blocks: packets that they dropped, and where they ended.

use std::collections::HashMap;

use super::super::extent::Extent;
use crate::evidence::Timestamp;

/// What the statistics of a file say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::decode::packets) struct Statistics {
    /// Packets that the recorders dropped; `None` where none of them says.
    pub dropped: Option<u64>,
    /// The end mark of this program's recorder, where nothing was taken out of the file since and nothing was dropped.
    pub end_mark: Option<Timestamp>,
}

/// One block, as far as it is needed.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Of which interface of the section.
    pub interface: u32,
    /// When its counters were read, or when the recording ended.
    pub time: Option<Timestamp>,
    /// Packets dropped by the interface and by the system.
    pub dropped: Option<u64>,
    /// The comment, where it is this recorder's.
    pub extent: Option<Extent>,
}

/// Takes the blocks of a file, in their order.
#[derive(Debug)]
pub(super) struct Tally {
    /// Of the sections before this one.
    dropped: Option<u64>,
    /// Of the interfaces of this section: the counters are totals, the last one counts.
    here: HashMap<u32, u64>,
    /// Frames of this section so far.
    frames: u64,
    /// What this section says it holds, and when that ended.
    extent: Option<(Extent, Timestamp)>,
    /// Packets up to this section, as the last one said; `None` before the first section.
    so_far: Option<u64>,
    /// Every section before this one was whole and joined to the next.
    whole: bool,
}

impl Default for Tally {
    fn default() -> Self {
        Tally { dropped: None, here: HashMap::new(), frames: 0, extent: None, so_far: None, whole: true }
    }
}

impl Tally {
    /// Another section begins.
    pub(super) fn section(&mut self, first: bool) {
        if !first {
            self.whole = self.is_whole() && self.extent.is_some_and(|(extent, _)| !extent.ends);
            self.so_far = self.extent.map(|(extent, _)| extent.before.saturating_add(extent.packets));
        }
        self.dropped = self.all_dropped();
        self.here.clear();
        (self.frames, self.extent) = (0, None);
    }

    /// A frame of this section.
    pub(super) fn frame(&mut self) {
        self.frames = self.frames.saturating_add(1);
    }

    /// A statistics block of this section; `most` interfaces are kept.
    pub(super) fn said(&mut self, said: &Said, most: usize) {
        if let Some(dropped) = said.dropped
            && (self.here.len() < most || self.here.contains_key(&said.interface))
        {
            self.here.insert(said.interface, dropped);
        }
        if let (Some(extent), Some(time)) = (said.extent, said.time) {
            self.extent = Some((extent, time));
        }
    }

    /// What all of them say; `left_out`: packets that could not be read.
    pub(super) fn statistics(&self, left_out: u64) -> Statistics {
        let dropped = self.all_dropped();
        let mark = self.extent.filter(|(extent, _)| extent.ends && self.is_whole()).map(|(_, time)| time);
        Statistics { dropped, end_mark: mark.filter(|_| dropped.unwrap_or(0) == 0 && left_out == 0) }
    }

    /// Nothing was taken out of this section or of those before it.
    fn is_whole(&self) -> bool {
        self.whole
            && self.extent.is_some_and(|(extent, _)| {
                extent.packets == self.frames && self.so_far.is_none_or(|so_far| so_far == extent.before)
            })
    }

    fn all_dropped(&self) -> Option<u64> {
        let here = self.here.values().copied().reduce(u64::saturating_add);
        match (self.dropped, here) {
            (Some(before), Some(here)) => Some(before.saturating_add(here)),
            (before, here) => before.or(here),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A section: frames in it, what its comment says (packets, before, ends), and what was dropped.
    type Section = (u64, Option<(u64, u64, bool)>, Option<u64>);

    fn check(sections: &[Section], dropped: Option<u64>, marked: bool) {
        let mut tally = Tally::default();
        for (at, (frames, said, dropped)) in sections.iter().enumerate() {
            tally.section(at == 0);
            (0..*frames).for_each(|_| tally.frame());
            let extent = said.map(|(packets, before, ends)| Extent { packets, before, ends });
            tally.said(&Said { interface: 0, time: Some(Timestamp(7)), dropped: *dropped, extent }, 8);
        }
        let end_mark = marked.then_some(Timestamp(7));
        assert_eq!(tally.statistics(0), Statistics { dropped, end_mark }, "{sections:?}");
    }

    #[test]
    fn an_end_mark_is_believed_where_the_counts_agree() {
        check(&[(3, Some((3, 0, true)), Some(0))], Some(0), true);
        check(&[(3, Some((3, 0, false)), Some(0))], Some(0), false);
        check(&[(2, Some((3, 0, true)), Some(0))], Some(0), false);
        check(&[(3, None, Some(4))], Some(4), false);
        check(&[(3, None, None)], None, false);
        check(&[(3, Some((3, 0, true)), Some(1))], Some(1), false);
    }

    #[test]
    fn files_of_a_row_are_one_recording() {
        let (first, second, third) =
            ((3, Some((3, 0, false)), Some(0)), (2, Some((2, 3, false)), Some(0)), (4, Some((4, 5, true)), Some(0)));
        check(&[first, second, third], Some(0), true);
        // The oldest files of a ring are gone: what is there is whole.
        check(&[second, third], Some(0), true);
        check(&[third], Some(0), true);
        check(&[first, third], Some(0), false);
        check(&[first, second], Some(0), false);
        check(&[third, first], Some(0), false);
        check(&[(3, None, None), third], Some(0), false);
        check(&[(3, Some((3, 0, false)), Some(2)), (1, Some((1, 3, true)), Some(5))], Some(7), false);
    }
}
