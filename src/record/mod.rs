//! Makes recordings: stands beside the rooms and uses them.
//!
//! | module | does |
//! |---|---|
//! | [`har`] | writes a HAR that is whole after every write |
//! | [`proxy`] | stands between a client and its servers and records both ways (feature `proxy`) |
//! | [`client`] | the environment of a client whose traffic goes through the proxy |
//! | [`packets`] | writes packets to pcapng files, with names, keys, counters and an end mark |
//! | `interface`   | takes packets from a network device (feature `live`) |
//!
//! A recording holds live credentials: its file is readable by its owner only, and no message here names a value of it.

pub mod client;
pub mod har;
#[cfg(feature = "live")]
pub mod interface;
pub mod packets;
#[cfg(feature = "proxy")]
pub mod proxy;
