//! The command line: arguments, messages, exit status, where the output goes. Judges nothing.

pub(crate) mod arguments;
mod implied;
pub(crate) mod interface;
pub(crate) mod messages;
pub(crate) mod output;
mod proxy;
pub(crate) mod record;
pub(crate) mod recording;
pub(crate) mod run;
pub(crate) mod status;
#[cfg(feature = "proxy")]
pub(crate) mod watch;
