//! What curl says of its connections: the lines with an asterisk, or with `== Info:`.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::decode::exchange::Connection;

/// What is known of the connection of a request.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Link {
    /// `http` or `https`; empty where nothing says which.
    pub(super) scheme: &'static str,
    /// Counted from 1; `None` where more than one fits.
    number: Option<u32>,
    server: Option<SocketAddr>,
}

impl Link {
    /// As part of an exchange.
    pub(super) fn connection(self) -> Connection {
        let id = self.number.map(|number| number.to_string().into());
        Connection { id, server: self.server, ..Connection::default() }
    }
}

/// Follows the connections.
#[derive(Debug, Default)]
pub(super) struct Links {
    current: Link,
    count: u32,
    /// The newest connection under each of curl's own numbers, which begin again with each command.
    by_number: BTreeMap<String, Link>,
}

impl Links {
    /// The connection of a request that is sent now.
    pub(super) fn current(&self) -> Link {
        self.current
    }

    /// Takes one line that is about the connection.
    pub(super) fn take(&mut self, line: &str) {
        let line = line.trim();
        let name = |line: &str| line.rsplit_once('#').map(|(_, digits)| number(digits)).unwrap_or_default();
        if line.starts_with("Connected to ") || line.starts_with("Established connection to ") {
            self.count = self.count.saturating_add(1);
            self.current = Link { scheme: "http", number: Some(self.count), server: address(line) };
            self.by_number.insert(name(line), self.current);
        } else if line.starts_with("Re-using existing") || line.starts_with("Reusing existing") {
            let known = self.by_number.get(&name(line)).copied();
            self.current = known.unwrap_or(match self.by_number.len() {
                1 => self.current,
                _ => Link { number: None, ..self.current },
            });
        } else if line.starts_with("SSL connection using") || line.starts_with("SSL: ") {
            self.current.scheme = "https";
            let current = self.current;
            self.by_number.values_mut().filter(|link| link.number == current.number).for_each(|link| *link = current);
        } else if let Some(scheme) = line.split_once("[:scheme: ").map(|(_, scheme)| scheme) {
            self.current.scheme = if scheme.starts_with("https") { "https" } else { "http" };
        }
    }

    /// What a line says of the end of a request without an answer.
    pub(super) fn error(line: &str) -> Option<&str> {
        let line = line.trim();
        let is_error =
            ["Empty reply from server", "Recv failure", "Send failure", "Operation timed out", "transfer closed"]
                .iter()
                .any(|word| line.starts_with(word));
        (is_error || line.starts_with("curl: (")).then_some(line)
    }
}

fn number(digits: &str) -> String {
    digits.chars().take_while(char::is_ascii_digit).take(9).collect()
}

/// `Connected to localhost (127.0.0.1) port 80 (#0)`; newer: `Established connection to h (127.0.0.1 port 80) from ...`.
fn address(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once('(')?;
    let end = rest.find([')', ' '])?;
    let ip: IpAddr = rest.get(..end)?.parse().ok()?;
    let (_, port) = rest.split_once(" port ")?;
    Some(SocketAddr::new(ip, number(port).parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_by_their_number() {
        let mut links = Links::default();
        let mut shown = Vec::new();
        for line in [
            "Connected to localhost (127.0.0.1) port 48751 (#0)",
            "Connected to as.test (::1) port 443 (#1)",
            "SSL connection using TLSv1.3 / X",
            "Re-using existing connection #0 with host localhost",
            "Re-using existing connection #1 with host as.test",
            "Re-using existing https: connection with host as.test",
            "Established connection to h (127.0.0.1 port 80) from 127.0.0.1 port 5",
        ] {
            links.take(line);
            let link = links.current();
            let server = link.server.map(|server| server.to_string()).unwrap_or_default();
            shown.push(format!("{} {:?} {server}", link.scheme, link.number));
        }
        assert_eq!(
            shown,
            [
                "http Some(1) 127.0.0.1:48751",
                "http Some(2) [::1]:443",
                "https Some(2) [::1]:443",
                "http Some(1) 127.0.0.1:48751",
                "https Some(2) [::1]:443",
                "https None [::1]:443",
                "http Some(3) 127.0.0.1:80",
            ]
        );
    }
}
