//! Writes packets to a pcapng file, or to a row of them, with what a reader needs beside the packets: names of addresses,
//! TLS keys, counters, and an end mark.
//!
//! Knows no device: whoever has packets gives them. Each block is written at once and nothing is held back, so that a
//! process that is killed leaves every packet that it took.

mod files;
mod keys;
mod names;
mod pcapng;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use crate::decode::packets::extent::Extent;
use crate::decode::packets::peek::Peek;
use crate::evidence::Timestamp;
use files::Files;
pub use files::Rotation;
use keys::KeyLogs;
use names::Names;
pub use pcapng::{Counters, Interface};

/// The port of name servers.
const DNS: u16 = 53;

/// Where a recording goes, and what goes in beside the packets.
#[derive(Debug, Clone)]
pub struct Destination {
    /// The file; where there are several, their names are made from it.
    pub path: PathBuf,
    /// When another file is begun.
    pub rotation: Rotation,
    /// Key logs; they may grow, and need not be there yet.
    pub keylogs: Vec<PathBuf>,
    /// The hosts file that names addresses.
    pub hosts: PathBuf,
}

/// A recording that is being written.
pub struct Recorder {
    interface: Interface,
    files: Files,
    keys: KeyLogs,
    names: Names,
    peek: Peek,
    /// Packets in earlier files, and in this one.
    before: u64,
    here: u64,
    /// Counters when this file was begun.
    counted: Counters,
    block: Vec<u8>,
}

impl Recorder {
    /// Makes the file.
    ///
    /// # Errors
    ///
    /// It cannot be made, or there is one of that name already.
    pub fn begin(destination: &Destination, interface: Interface, now: Timestamp) -> io::Result<Recorder> {
        let head = pcapng::head(&interface);
        Ok(Recorder {
            files: Files::begin(&destination.path, destination.rotation, now, &head)?,
            interface,
            keys: KeyLogs::new(&destination.keylogs),
            names: Names::with_hosts(&destination.hosts),
            peek: Peek::default(),
            before: 0,
            here: 0,
            counted: Counters::default(),
            block: Vec::new(),
        })
    }

    /// Takes a packet. `original`: octets that it had on the wire. `counters`: as they were read last.
    ///
    /// # Errors
    ///
    /// It cannot be written. The file holds everything before it.
    pub fn packet(&mut self, time: Timestamp, octets: &[u8], original: u32, counters: Counters) -> io::Result<()> {
        let names = &mut self.names;
        self.peek.frame(u32::from(self.interface.link), octets, &mut |seen| {
            names.seen(seen.source);
            names.seen(seen.destination);
            if let Some((DNS, answer)) = seen.udp {
                names.answer(answer);
            }
        });
        // Keys are logged before the first octets that they protect are sent. Keys and names that stand before the packet
        // serve readers that read once, as tshark does.
        self.keys()?;
        self.fresh_names()?;
        self.block.clear();
        pcapng::packet(&mut self.block, time, octets, original);
        if self.here > 0 && self.files.is_due(time, self.block.len()) {
            self.next_file(time, counters)?;
        }
        self.files.write(&self.block)?;
        self.here = self.here.saturating_add(1);
        Ok(())
    }

    /// Does what is due without a packet: keys that are new, the next file.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn tick(&mut self, now: Timestamp, counters: Counters) -> io::Result<()> {
        self.keys()?;
        if self.here > 0 && self.files.is_due(now, 0) {
            self.next_file(now, counters)?;
        }
        Ok(())
    }

    /// Ends the recording: the last keys, the counters, the end mark.
    ///
    /// # Errors
    ///
    /// It cannot be written. The file holds every packet.
    pub fn finish(mut self, now: Timestamp, counters: Counters) -> io::Result<Vec<PathBuf>> {
        self.keys()?;
        self.end_file(now, counters, true)?;
        Ok(self.files.kept().map(Path::to_owned).collect())
    }

    /// Packets so far.
    pub fn packets(&self) -> u64 {
        self.before.saturating_add(self.here)
    }

    /// The files that are there, oldest first.
    pub fn kept(&self) -> impl Iterator<Item = &Path> {
        self.files.kept()
    }

    fn keys(&mut self) -> io::Result<()> {
        let lines = self.keys.new_lines();
        if lines.is_empty() { Ok(()) } else { self.files.write(&pcapng::secrets(&lines)) }
    }

    fn fresh_names(&mut self) -> io::Result<()> {
        let fresh = self.names.fresh();
        if fresh.is_empty() { Ok(()) } else { self.files.write(&pcapng::names(fresh)) }
    }

    fn end_file(&mut self, now: Timestamp, counters: Counters, ends: bool) -> io::Result<()> {
        let extent = Extent { before: self.before, packets: self.here, ends };
        self.files.write(&pcapng::statistics(self.files.begun(), now, counters.since(self.counted), extent))
    }

    /// Each file of a row can be read alone: it begins with the names and keys so far.
    fn next_file(&mut self, now: Timestamp, counters: Counters) -> io::Result<()> {
        self.end_file(now, counters, false)?;
        let mut head = pcapng::head(&self.interface);
        let mut names = self.names.all().peekable();
        if names.peek().is_some() {
            head.extend(pcapng::names(names));
        }
        if !self.keys.all().is_empty() {
            head.extend(pcapng::secrets(self.keys.all()));
        }
        self.files.next(now, &head)?;
        self.before = self.packets();
        (self.here, self.counted) = (0, counters);
        Ok(())
    }
}
