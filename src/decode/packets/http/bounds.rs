//! How much one connection may make the reader keep. A bound that is hit is a problem in the result.

/// Octets of one connection in which the beginning of HTTP is looked for.
pub(super) const SNIFF: usize = 64 << 10;

/// Octets that wait for the other side: an answer for its request, a tunnel for its answer.
pub(super) const HELD: usize = 1 << 20;

/// Requests of one connection that wait for their answers.
pub(super) const OUTSTANDING: usize = 1024;

/// Octets kept while looking for the next message after a gap: longer request lines are not found there.
pub(super) const SEARCHED: usize = 16 << 10;

/// Octets of one chunk-size line (RFC 9112, 7.1.1: limit the extensions).
pub(super) const CHUNK_LINE: usize = 8 << 10;

/// Header fields of one message.
pub(super) const FIELDS: usize = 10_000;

/// Tunnels in tunnels.
pub(super) const TUNNELS: u8 = 4;

/// Problems of one connection that are listed; the rest is counted.
pub(super) const PROBLEMS: usize = 20;

/// Streams of one HTTP/2 connection that are open at once.
pub(super) const STREAMS: usize = 4096;

/// Octets of a dynamic table of header compression.
pub(super) const TABLE: usize = 1 << 20;

/// The same where the recording does not show how large it was made.
pub(super) const TABLE_UNKNOWN: usize = 64 << 10;

/// Octets of one header block, and frames that it may come in: a flood of CONTINUATION frames ends there.
pub(super) const BLOCK: usize = 1 << 20;
pub(super) const CONTINUATIONS: usize = 256;
