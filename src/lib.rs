//! Says from a recording of HTTP traffic where MCP authorization was lost.
//!
//! # The way through
//!
//! ```text
//! capture  ->  decode  ->  trail  ->  check  ->  report
//! bytes        exchanges   steps      verdicts   words
//! ```
//!
//! | room | does | does not |
//! |---|---|---|
//! | [`capture`] | opens files, undoes their compression, keeps the limits | look inside a message |
//! | [`decode`] | tells the format, turns its bytes into HTTP exchanges | know OAuth or MCP |
//! | [`trail`] | says what a message is in OAuth or MCP and which messages belong together | say whether that is right |
//! | [`check`] | judges the trails by the rule pages, names loss and cause | choose words |
//! | [`report`] | chooses words, columns and colours | decide anything |
//!
//! A room uses only rooms to its left, and the leaf modules [`evidence`] and [`secret`].
//! Beside the rooms stands [`record`], which makes recordings; the rooms do not know it.
//! The pages in `rules/` hold what is judged and the sentences for the reader.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod audit;
pub mod capture;
pub mod check;
pub mod decode;
mod diagnose;
pub mod evidence;
pub mod record;
pub mod report;
pub mod secret;
pub mod trail;

pub use diagnose::{Listing, Options, diagnose, list};
