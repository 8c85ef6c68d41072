//! Every integration test, in one binary: files beside files.

mod audit;
mod changed_recordings;
mod cli;
mod compare;
mod conformance;
mod crosswalk;
mod dependencies;
#[cfg(feature = "proxy")]
mod e2e;
mod examples;
mod expected;
mod exports;
mod flows;
mod formats;
mod hostile;
mod house;
mod judge;
mod labelled;
mod ledger;
mod made;
mod messages;
mod mutation;
mod packets;
mod pages;
#[cfg(feature = "tables")]
mod questions;
mod readme;
mod real_recordings;
#[cfg(feature = "proxy")]
mod record;
mod refused;
mod renaming_proxy;
mod report_fixtures;
mod report_text;
mod rules;
mod run;
mod secrets;
mod senders;
mod session_end;
mod shapes;
mod stories;
mod tls;
mod verdicts;
mod walk;
mod withheld;
#[cfg(feature = "tables")]
mod workers;
