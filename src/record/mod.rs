//! Makes recordings: stands beside the rooms and uses them.
//!
//! | module | does |
//! |---|---|
//! | [`har`] | writes a HAR that is whole after every write |
//! | [`proxy`] | stands between a client and its servers and records both ways (feature `proxy`) |

pub mod har;
#[cfg(feature = "proxy")]
pub mod proxy;
