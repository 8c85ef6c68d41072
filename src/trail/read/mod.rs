//! Readers of the small languages inside HTTP messages: parameters, URLs, challenges, JWTs, JSON-RPC, event streams.
//!
//! Each takes text from a stranger and gives what can be read; none judges.

mod canonical;
pub mod challenge;
pub mod content;
pub mod event_stream;
pub mod jsonrpc;
pub mod jwt;
pub mod meta;
pub mod param_header;
pub mod params;
pub mod urls;
