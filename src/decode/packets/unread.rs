//! What is to be said of TLS that was not opened: how much, whose, why, and what to pass.

use std::collections::{BTreeMap, BTreeSet};

use super::tls::{Decryption, TlsFacts, WhyClosed};

/// Server names that are listed for one reason.
const NAMES: usize = 5;

/// Octets of the end of a connection: an alert in a record of its own, or two. What is asked or answered takes more.
const FAREWELL: u64 = 64;

/// The TLS connections of a recording that were not opened.
#[derive(Default)]
pub(super) struct Unread {
    by_reason: BTreeMap<String, Streams>,
    without_keys: Streams,
    /// Whether there was any TLS.
    pub any: bool,
}

#[derive(Default)]
struct Streams {
    count: u64,
    names: BTreeSet<String>,
}

impl Streams {
    fn add(&mut self, facts: &TlsFacts) {
        self.count += 1;
        self.names.extend(facts.server_name.clone());
    }

    /// `3 streams (mcp.example.com, as.example.com)`.
    fn describe(&self) -> String {
        let count = if self.count == 1 { "1 stream".to_owned() } else { format!("{} streams", self.count) };
        let mut names: Vec<&str> = self.names.iter().take(NAMES).map(String::as_str).collect();
        if names.is_empty() {
            return count;
        }
        if self.names.len() > NAMES {
            names.push("...");
        }
        format!("{count} ({})", names.join(", "))
    }
}

impl Unread {
    /// Takes note of a connection. What is to be said of it alone: the frame, where there is one, and the message.
    pub(super) fn add(&mut self, stream: u32, facts: &TlsFacts) -> Vec<(Option<u32>, String)> {
        self.any = true;
        let mut said = Vec::new();
        match (facts.decryption(), facts.why) {
            (Decryption::Nothing, Some(WhyClosed::NoKeys) | None) => self.without_keys.add(facts),
            (Decryption::Nothing, Some(WhyClosed::HandshakeNotSeen)) if facts.octets_closed <= FAREWELL => {}
            (Decryption::Nothing, Some(why)) => self.by_reason.entry(why.to_string()).or_default().add(facts),
            (Decryption::Partly, Some(why)) => {
                said.push((
                    None,
                    format!("tcp.stream {stream}: {} TLS records were not opened: {why}", facts.records_closed),
                ));
            }
            _ => {}
        }
        let fatal = facts.alerts.iter().filter(|alert| alert.fatal);
        said.extend(fatal.map(|alert| (Some(alert.frame), format!("tcp.stream {stream}: {alert}"))));
        let problems = facts.problems.iter();
        said.extend(problems.map(|(frame, message)| (Some(*frame), format!("tcp.stream {stream}: {message}"))));
        said
    }

    /// Whether there is TLS that was not opened.
    pub(super) fn left_closed(&self) -> bool {
        self.without_keys.count > 0 || !self.by_reason.is_empty()
    }

    /// What is to be said of all of them.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut said = Vec::new();
        if self.without_keys.count > 0 {
            said.push(format!("TLS without keys: {}; pass --keylog FILE", self.without_keys.describe()));
        }
        said.extend(self.by_reason.iter().map(|(why, streams)| format!("TLS not read: {}: {why}", streams.describe())));
        said
    }
}
