//! Makes recordings: of a proxy's traffic, and of a network device.
//!
//! A recording holds live credentials: its file is readable by its owner only, and no message here names a value of it.

#[cfg(feature = "live")]
pub mod interface;
pub mod packets;
