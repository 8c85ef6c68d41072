//! The command line: arguments, messages, exit status, where the output goes. Judges nothing.

pub(crate) mod arguments;
pub(crate) mod audit;
pub(crate) mod compare;
pub(crate) mod diff_revisions;
pub(crate) mod files;
mod implied;
pub(crate) mod interface;
pub(crate) mod messages;
pub(crate) mod output;
mod progress;
mod proxy;
pub(crate) mod query;
pub(crate) mod record;
#[cfg(any(feature = "proxy", feature = "live"))]
pub(crate) mod recording;
pub(crate) mod run;
pub(crate) mod status;
#[cfg(feature = "proxy")]
pub(crate) mod watch;
mod worker;
