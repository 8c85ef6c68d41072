//! A look at single frames, for a recorder that wants to know who talks.

use std::net::IpAddr;

use super::network::{Found, Network};
use crate::capture::limits::Limits;

/// What a look at a frame shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen<'a> {
    /// Who sent the segment or datagram.
    pub source: IpAddr,
    /// To whom.
    pub destination: IpAddr,
    /// Of a UDP datagram: its source port, and what it carries.
    pub udp: Option<(u16, &'a [u8])>,
}

/// Looks at frames, one after the other.
pub struct Peek(Network);

impl Default for Peek {
    fn default() -> Self {
        Peek(Network::new(&Limits::default()))
    }
}

impl Peek {
    /// Gives the TCP segments and UDP datagrams of a frame to `seen`. `link`: the LINKTYPE that the frame begins with.
    pub fn frame(&mut self, link: u32, octets: &[u8], seen: &mut impl FnMut(Seen<'_>)) {
        self.0.frame(link, octets, &mut |found| match found {
            Found::Tcp(datagram) => {
                seen(Seen { source: datagram.source, destination: datagram.destination, udp: None });
            }
            Found::Udp(datagram) => {
                let port = match datagram.octets {
                    [high, low, ..] => u16::from_be_bytes([*high, *low]),
                    _ => return,
                };
                // RFC 768: the header has eight octets.
                let carried = datagram.octets.get(8..).unwrap_or_default();
                seen(Seen { source: datagram.source, destination: datagram.destination, udp: Some((port, carried)) });
            }
            Found::Returned(_) => {}
        });
    }
}
