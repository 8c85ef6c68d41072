//! The command line: arguments, messages, exit status, where the output goes. Judges nothing.

pub(crate) mod arguments;
pub(crate) mod audit;
pub(crate) mod compare;
pub(crate) mod diff_revisions;
pub(crate) mod files;
mod implied;
pub(crate) mod messages;
pub(crate) mod output;
mod progress;
pub(crate) mod query;
pub(crate) mod status;
