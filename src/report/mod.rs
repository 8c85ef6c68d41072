//! Chooses words, columns and colours for what was found. Decides nothing.
//!
//! Everything is made from [`contract::Report`], or from the exchanges and rule pages themselves. Nothing from a
//! recording leaves this room raw: text goes through [`escape`], URLs through [`url`].

pub mod build;
pub mod contract;
pub mod escape;
pub mod examples;
pub mod exchanges;
#[cfg(feature = "tables")]
pub(crate) mod grid;
pub mod json;
pub(crate) mod layout;
mod page;
pub(crate) mod palette;
pub mod revision_diff;
pub mod rule_index;
pub mod text;
pub mod url;
mod words;

pub use layout::{known_width, terminal_width};
