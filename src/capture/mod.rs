//! Opens recordings and keeps the limits. Looks into no message.

pub mod coding;
pub mod content;
pub mod digest;
pub mod limits;
mod mapping;
pub mod open;
