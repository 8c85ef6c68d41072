//! The packets of one file, as the recorder of this program counts them: the end mark of a packet capture.
//!
//! It is the comment of an Interface Statistics Block. The counts prove that nothing was taken out of the file since, and
//! that no file of a row is missing: a tool that cuts or joins captures copies comments and changes counts.

use std::fmt;
use std::str::FromStr;

/// How the comment begins.
const BEGINS: &str = "authtrail: ";
/// How the last comment of a recording ends.
const ENDS: &str = "end of the recording";
/// How the others end.
const GOES_ON: &str = "goes on in the next file";

/// What one file holds of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Packets of the recording in earlier files.
    pub before: u64,
    /// Packets in this file.
    pub packets: u64,
    /// Whether the recording ends with this file.
    pub ends: bool,
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.ends { ENDS } else { GOES_ON };
        write!(f, "{BEGINS}{} packets after {}, {how}", self.packets, self.before)
    }
}

/// It is no comment of this recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoExtent;

impl FromStr for Extent {
    type Err = NoExtent;

    fn from_str(text: &str) -> Result<Self, NoExtent> {
        let rest = text.strip_prefix(BEGINS).ok_or(NoExtent)?;
        let (packets, rest) = rest.split_once(" packets after ").ok_or(NoExtent)?;
        let (before, how) = rest.split_once(", ").ok_or(NoExtent)?;
        let ends = match how {
            ENDS => true,
            GOES_ON => false,
            _ => return Err(NoExtent),
        };
        let number = |text: &str| text.parse().map_err(|_| NoExtent);
        Ok(Extent { before: number(before)?, packets: number(packets)?, ends })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_as_it_is_written() {
        for ends in [true, false] {
            let extent = Extent { before: 12, packets: 3_000_000_000_000, ends };
            assert_eq!(extent.to_string().parse(), Ok(extent));
        }
        let written = "authtrail: 3 packets after 12, end of the recording";
        assert_eq!(Extent { before: 12, packets: 3, ends: true }.to_string(), written);
        for other in ["", "Counters provided by dumpcap", "authtrail: ", "authtrail: 1 packets after 2, soon"] {
            assert_eq!(other.parse::<Extent>(), Err(NoExtent));
        }
    }
}
