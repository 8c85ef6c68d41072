//! Every integration test, in one binary: files beside files.

mod cli;
mod conformance;
#[cfg(feature = "proxy")]
mod e2e;
mod expected;
mod flows;
mod formats;
mod hostile;
mod house;
mod judge;
mod labelled;
mod ledger;
mod made;
mod messages;
mod packets;
mod pages;
mod readme;
#[cfg(feature = "proxy")]
mod record;
mod report_fixtures;
mod report_text;
mod rules;
mod run;
mod secrets;
mod shapes;
mod stories;
mod tls;
mod verdicts;
mod walk;
mod withheld;
