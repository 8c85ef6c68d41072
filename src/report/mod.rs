//! Chooses words, columns and colours for what was found. Decides nothing.

pub mod contract;
