//! The limits of every reader. A limit that is hit is reported; what was read until then is kept.

/// How much of a recording may be read into memory. Recordings come from strangers.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Octets of one decoded body.
    pub body: usize,
    /// Decoded octets for each encoded octet of a body or a compressed recording.
    pub ratio: usize,
    /// Depth of nesting in a flow of mitmproxy.
    pub depth: usize,
    /// Octets of one header list.
    pub headers: usize,
    /// Exchanges of one recording.
    pub exchanges: usize,
    /// Problems listed for one recording; the rest is counted.
    pub problems: usize,
    /// Octets of a compressed recording after decompression, or of standard input.
    pub memory: usize,
    /// TCP connections of one packet capture that are told apart.
    pub connections: usize,
    /// TCP connections of one packet capture that are open at once.
    pub open_connections: usize,
    /// Octets of one connection that wait for a missing segment.
    pub waiting: usize,
    /// Segments that wait for a missing one, in all connections of a packet capture.
    pub waiting_segments: usize,
    /// IP packets of one packet capture of which only some fragments came, at once.
    pub fragmented_packets: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            body: 16 << 20,
            ratio: 1000,
            depth: 64,
            headers: 1 << 20,
            exchanges: 4_000_000,
            problems: 100,
            memory: 1 << 30,
            connections: 2 << 20,
            open_connections: 1 << 17,
            waiting: 64 << 20,
            waiting_segments: 1 << 18,
            fragmented_packets: 256,
        }
    }
}
