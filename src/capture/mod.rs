//! Opens recordings and keeps the limits. Looks into no message.

pub mod limits;
