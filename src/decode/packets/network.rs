//! From a frame to the TCP segments and UDP datagrams in it: IPv4 and IPv6 with their extensions, fragments put together,
//! tunnels opened.
//!
//! Checksums are not looked at: hosts that leave them to the network card record wrong ones on purpose.

use std::net::IpAddr;

use bytes::Bytes;
use etherparse::{IpNumber, Ipv6ExtensionSlice, Ipv6ExtensionsSlice, LaxIpSlice, ip_number};

use super::fragments::{Fragment, Fragments};
use super::link::{self, Next};
use crate::capture::limits::Limits;

/// Headers in one frame. Real tunnels have a handful.
const DEPTH: usize = 32;

/// UDP ports of tunnels.
const VXLAN: u16 = 4789;
const GENEVE: u16 = 6081;

const ICMP: u8 = 1;
const IPV4_IN_IP: u8 = 4;
const TCP: u8 = 6;
const UDP: u8 = 17;
const IPV6_IN_IP: u8 = 41;
const GRE: u8 = 47;
const ETHERNET_IN_IP: u8 = 143;
const ICMPV6: u8 = 58;

/// The payload of an IP packet that somebody waits for.
#[derive(Debug)]
pub(super) struct Datagram<'a> {
    /// Who sent it.
    pub source: IpAddr,
    /// To whom.
    pub destination: IpAddr,
    /// From the first octet of the TCP or UDP header on, as far as captured, without padding.
    pub octets: &'a [u8],
    /// Octets that it had on the wire; more than `octets` where the capture length cut it.
    pub length: usize,
    /// What `octets` is a part of.
    pub root: Root<'a>,
}

/// What an IP packet is a part of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Root<'a> {
    /// The recording itself.
    Recording,
    /// A packet put together from fragments.
    Rebuilt(&'a Bytes),
}

/// What a frame holds.
#[derive(Debug)]
pub(super) enum Found<'a> {
    /// A TCP segment.
    Tcp(Datagram<'a>),
    /// A UDP datagram that is no tunnel.
    Udp(Datagram<'a>),
    /// The head of a TCP segment that an ICMP error returns: Wireshark counts its connection.
    Returned(Datagram<'a>),
}

/// Takes frames apart.
pub(super) struct Network {
    fragments: Fragments,
}

impl Network {
    /// One for each recording.
    pub(super) fn new(limits: &Limits) -> Network {
        Network { fragments: Fragments::new(limits) }
    }

    /// IP packets whose fragments never came together.
    pub(super) fn incomplete(&self) -> u64 {
        self.fragments.incomplete()
    }

    /// Takes the frame apart and gives what is in it to `found`. Whether the link is one that is read here.
    pub(super) fn frame(&mut self, link: u32, octets: &[u8], found: &mut impl FnMut(Found<'_>)) -> bool {
        let Some((next, skip)) = link::first(link, octets) else { return false };
        self.walk(next, octets.get(skip..).unwrap_or_default(), Root::Recording, DEPTH, found);
        true
    }

    fn walk<'a>(
        &mut self,
        mut next: Next,
        mut octets: &'a [u8],
        root: Root<'a>,
        mut depth: usize,
        found: &mut impl FnMut(Found<'_>),
    ) {
        while let Some(left) = depth.checked_sub(1) {
            depth = left;
            let step = match next {
                Next::Ip => self.ip(octets, root, depth, found),
                other => link::step(other, octets).and_then(|(next, skip)| Some((next, octets.get(skip..)?))),
            };
            match step {
                Some((inner, rest)) => (next, octets) = (inner, rest),
                None => return,
            }
        }
    }

    /// Takes an IP header off. What comes next where that is another header.
    fn ip<'a>(
        &mut self,
        octets: &'a [u8],
        root: Root<'a>,
        depth: usize,
        found: &mut impl FnMut(Found<'_>),
    ) -> Option<(Next, &'a [u8])> {
        let (packet, _) = LaxIpSlice::from_slice(octets).ok()?;
        let payload = packet.payload();
        let (protocol, rest) = (payload.ip_number, payload.payload);
        if payload.fragmented {
            let (protocol, whole) = self.fragments.add(fragment(&packet)?)?;
            let datagram = Datagram {
                source: packet.source_addr(),
                destination: packet.destination_addr(),
                octets: &whole,
                length: whole.len(),
                root: Root::Rebuilt(&whole),
            };
            let (protocol, datagram) = without_extensions(protocol, datagram);
            let inner = transport(protocol, datagram, found);
            // The packet is owned here, so what is inside it is walked here; the depth bounds it.
            if let Some((next, octets)) = inner {
                self.walk(next, octets, Root::Rebuilt(&whole), depth, found);
            }
            return None;
        }
        let before = place(octets, rest)?;
        let length = declared(&packet).map_or(rest.len(), |all| all.saturating_sub(before)).max(rest.len());
        let (source, destination) = (packet.source_addr(), packet.destination_addr());
        transport(protocol, Datagram { source, destination, octets: rest, length, root }, found)
    }
}

/// Where `part` begins in `whole`, of which it is a part.
pub(super) fn place(whole: &[u8], part: &[u8]) -> Option<usize> {
    let place = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    (place.checked_add(part.len())? <= whole.len()).then_some(place)
}

/// Length of the packet as its header says. `None` where it does not: segmentation offload leaves 0 there, and so do
/// jumbograms.
fn declared(packet: &LaxIpSlice<'_>) -> Option<usize> {
    match packet {
        LaxIpSlice::Ipv4(packet) => Some(usize::from(packet.header().total_len())).filter(|length| *length != 0),
        LaxIpSlice::Ipv6(packet) => {
            Some(usize::from(packet.header().payload_length())).filter(|length| *length != 0).map(|length| length + 40)
        }
    }
}

fn fragment<'a>(packet: &LaxIpSlice<'a>) -> Option<Fragment<'a>> {
    let payload = packet.payload();
    if payload.incomplete {
        return None;
    }
    let (identification, offset, more) = match packet {
        LaxIpSlice::Ipv4(packet) => {
            let header = packet.header();
            (u32::from(header.identification()), header.fragments_offset(), header.more_fragments())
        }
        LaxIpSlice::Ipv6(packet) => packet.extensions().clone().into_iter().find_map(|extension| match extension {
            Ipv6ExtensionSlice::Fragment(header) => {
                Some((header.identification(), header.fragment_offset(), header.more_fragments()))
            }
            _ => None,
        })?,
    };
    let (source, destination) = (packet.source_addr(), packet.destination_addr());
    Some(Fragment {
        source,
        destination,
        protocol: payload.ip_number,
        identification,
        offset,
        more,
        octets: payload.payload,
    })
}

/// RFC 8200, 4.1: destination options may stand inside what was fragmented.
fn without_extensions(protocol: IpNumber, datagram: Datagram<'_>) -> (IpNumber, Datagram<'_>) {
    if !matches!(protocol, ip_number::IPV6_DEST_OPTIONS | ip_number::IPV6_ROUTE | ip_number::AUTH) {
        return (protocol, datagram);
    }
    let (_, protocol, rest, _) = Ipv6ExtensionsSlice::from_slice_lax(protocol, datagram.octets);
    (protocol, Datagram { octets: rest, length: rest.len(), ..datagram })
}

/// Gives TCP and UDP to `found`; says what comes next in a tunnel.
fn transport<'a>(
    protocol: IpNumber,
    datagram: Datagram<'a>,
    found: &mut impl FnMut(Found<'_>),
) -> Option<(Next, &'a [u8])> {
    let octets = datagram.octets;
    match protocol.0 {
        TCP => found(Found::Tcp(datagram)),
        UDP => {
            let port = octets.get(2..4).map(|port| u16::from_be_bytes([port[0], port[1]]))?;
            match port {
                VXLAN => return Some((Next::Vxlan, octets.get(8..)?)),
                GENEVE => return Some((Next::Geneve, octets.get(8..)?)),
                _ => found(Found::Udp(datagram)),
            }
        }
        IPV4_IN_IP | IPV6_IN_IP => return Some((Next::Ip, octets)),
        GRE => return Some((Next::Gre, octets)),
        // RFC 3378: two octets of version.
        ETHERNET_IN_IP => return Some((Next::Ethernet, octets.get(2..)?)),
        ICMP if matches!(octets.first(), Some(3 | 4 | 5 | 11 | 12)) => returned(octets.get(8..)?, found),
        ICMPV6 if matches!(octets.first(), Some(1..=4)) => returned(octets.get(8..)?, found),
        _ => {}
    }
    None
}

/// The connection of a packet that an ICMP error returns.
fn returned(octets: &[u8], found: &mut impl FnMut(Found<'_>)) {
    let Ok((packet, _)) = LaxIpSlice::from_slice(octets) else { return };
    let payload = packet.payload();
    if payload.ip_number.0 != TCP || payload.fragmented {
        return;
    }
    let (source, destination) = (packet.source_addr(), packet.destination_addr());
    let (octets, length) = (payload.payload, payload.payload.len());
    found(Found::Returned(Datagram { source, destination, octets, length, root: Root::Recording }));
}
