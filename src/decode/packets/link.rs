//! What stands before IP: link headers, VLAN tags, MPLS labels, and the tunnels that carry Ethernet again.
//!
//! Each step takes one header off and says what comes next. Checksums and lengths of links are not looked at: IP has its
//! own.

/// What comes next in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// IPv4 or IPv6, as its first four bits say.
    Ip,
    /// An Ethernet header.
    Ethernet,
    /// What an EtherType names.
    EtherType(u16),
    /// An MPLS label.
    Mpls,
    /// GRE.
    Gre,
    /// VXLAN.
    Vxlan,
    /// Geneve.
    Geneve,
    /// Nothing that is read here.
    Nothing,
}

/// A family number of the BSDs, which they do not agree on.
const FAMILIES_IPV6: [u32; 4] = [10, 24, 28, 30];
const FAMILY_IPV4: u32 = 2;

/// What a frame of this link begins with, and where. `None` for links that are not read here.
pub(super) fn first(link: u32, octets: &[u8]) -> Option<(Next, usize)> {
    let ether_type = |at: usize| match octets.get(at..at + 2) {
        Some([high, low]) => Next::EtherType(u16::from_be_bytes([*high, *low])),
        _ => Next::Nothing,
    };
    Some(match link {
        // LINKTYPE_NULL in the byte order of the recording host, LINKTYPE_LOOP in network order.
        0 | 108 => (loopback(octets), 4),
        1 => (Next::Ethernet, 0),
        // Raw IP: the registered number, and those of BSD/OS and OpenBSD.
        12 | 14 | 101 | 228 | 229 => (Next::Ip, 0),
        // Linux cooked, and the second version of it.
        113 => (ether_type(14), 16),
        276 => (ether_type(0), 20),
        // PPP with and without HDLC framing.
        9 => (ppp(octets.get(..2)), 2),
        50 if octets.starts_with(&[0xff, 0x03]) => (ppp(octets.get(2..4)), 4),
        50 => (ppp(octets.get(..2)), 2),
        // MPLS without a link.
        219 => (Next::Mpls, 0),
        _ => return None,
    })
}

fn loopback(octets: &[u8]) -> Next {
    let Some(family) = octets.get(..4).and_then(|found| <[u8; 4]>::try_from(found).ok()) else { return Next::Nothing };
    let is_ip = |family: u32| family == FAMILY_IPV4 || FAMILIES_IPV6.contains(&family);
    if is_ip(u32::from_le_bytes(family)) || is_ip(u32::from_be_bytes(family)) { Next::Ip } else { Next::Nothing }
}

fn ppp(protocol: Option<&[u8]>) -> Next {
    match protocol {
        Some([0x00, 0x21 | 0x57]) => Next::Ip,
        Some([0x02, 0x81 | 0x83]) => Next::Mpls,
        _ => Next::Nothing,
    }
}

/// Takes one header off that is no IP: what comes next, and after how many octets.
pub(super) fn step(next: Next, octets: &[u8]) -> Option<(Next, usize)> {
    match next {
        Next::Ethernet => Some((ether_type_at(octets, 12)?, 14)),
        Next::EtherType(kind) => ether_type(kind, octets),
        Next::Mpls => mpls(octets),
        Next::Gre => gre(octets),
        // RFC 7348, 5: eight octets, a valid network identifier is flagged.
        Next::Vxlan => (octets.first()? & 0x08 != 0).then_some((Next::Ethernet, 8)),
        // RFC 8926, 3.4: version 0, options in units of four octets.
        Next::Geneve => {
            let head = *octets.first()?;
            let options = usize::from(head & 0x3f) * 4;
            (head >> 6 == 0).then_some((ether_type_at(octets, 2)?, 8 + options))
        }
        Next::Ip | Next::Nothing => None,
    }
}

fn ether_type_at(octets: &[u8], at: usize) -> Option<Next> {
    let kind = octets.get(at..at + 2)?;
    Some(Next::EtherType(u16::from_be_bytes([*kind.first()?, *kind.get(1)?])))
}

fn ether_type(kind: u16, octets: &[u8]) -> Option<(Next, usize)> {
    match kind {
        0x0800 | 0x86dd => Some((Next::Ip, 0)),
        // 802.1Q, 802.1ad and the numbers used before it, in any depth.
        0x8100 | 0x88a8 | 0x9100 | 0x9200 | 0x9300 => Some((ether_type_at(octets, 2)?, 4)),
        0x8847 | 0x8848 => Some((Next::Mpls, 0)),
        // RFC 2516, 4: a PPPoE session.
        0x8864 => Some((ppp(octets.get(6..8)), 8)),
        // RFC 1701: an Ethernet frame, also in GRE.
        0x6558 => Some((Next::Ethernet, 0)),
        // ERSPAN II and III: a mirrored Ethernet frame.
        0x88be => Some((Next::Ethernet, 8)),
        0x22eb => {
            let has_subheader = octets.get(11)? & 0x01 != 0;
            Some((Next::Ethernet, if has_subheader { 20 } else { 12 }))
        }
        // 802.3 with a length in this place: LLC and SNAP.
        0..=1500 if octets.starts_with(&[0xaa, 0xaa, 0x03]) => Some((ether_type_at(octets, 6)?, 8)),
        // LLC with the number of IP.
        0..=1500 if octets.starts_with(&[0x06, 0x06, 0x03]) => Some((Next::Ip, 3)),
        _ => None,
    }
}

/// RFC 3032: labels of four octets, the last one flagged. What follows says by its first bits what it is (RFC 4928).
fn mpls(octets: &[u8]) -> Option<(Next, usize)> {
    let label = octets.get(..4)?;
    if label.get(2)? & 0x01 == 0 {
        return Some((Next::Mpls, 4));
    }
    match octets.get(4)? >> 4 {
        4 | 6 => Some((Next::Ip, 4)),
        // RFC 4385: a control word before an Ethernet frame.
        0 => Some((Next::Ethernet, 8)),
        _ => Some((Next::Ethernet, 4)),
    }
}

/// RFC 2784 and 2890; version 1 (RFC 2637) carries PPP.
fn gre(octets: &[u8]) -> Option<(Next, usize)> {
    let [flags, version, ..] = octets else { return None };
    let has = |bit: u8, octets: usize| if flags & bit != 0 { octets } else { 0 };
    let kind = ether_type_at(octets, 2)?;
    if version & 0x07 == 1 {
        let length = 8 + has(0x10, 4) + if version & 0x80 != 0 { 4 } else { 0 };
        let rest = octets.get(length..)?;
        let framing = if rest.starts_with(&[0xff, 0x03]) { 2 } else { 0 };
        return Some((ppp(rest.get(framing..framing + 2)), length + framing + 2));
    }
    // RFC 1701 had routing; it shares its place with the checksum.
    let checksum = if flags & 0xc0 != 0 { 4 } else { 0 };
    let length = 4 + checksum + has(0x20, 4) + has(0x10, 4);
    // ERSPAN I has no header of its own, and is told by the missing sequence number.
    if kind == Next::EtherType(0x88be) && flags & 0x10 == 0 {
        return Some((Next::Ethernet, length));
    }
    Some((kind, length))
}
