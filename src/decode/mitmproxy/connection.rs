//! Who talked to whom, in the words of each version.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::decode::exchange::Connection;
use crate::decode::tnetstring::Value;
use crate::evidence::{Closed, Timestamp};

/// The connection of a flow. The client's is the one that says which requests belong together.
pub(super) fn of(flow: Value<'_>) -> Connection {
    let client = flow.member(&["client_conn"]);
    let server = flow.member(&["server_conn"]);
    Connection {
        id: name(client),
        // `address` until version 18; in 0.10 the client stands inside the request.
        client: address(client.member(&["peername", "address"]))
            .or_else(|| address(flow.member(&["request"]).member(&["client_conn"]).member(&["address"]))),
        // `peer_address` in 0.17, `ip_address` until version 18. `address` is what was asked for, often a name.
        server: address(server.member(&["peername", "ip_address", "peer_address"])),
        page: None,
        wrapper: None,
        closed: time(client.member(&["timestamp_end"])).map(|at| Closed { at, by_reset: false }),
    }
}

/// Connections have an identity since version 5. Before, their start and the client's address tell them apart.
fn name(client: Value<'_>) -> Option<Arc<str>> {
    if let Some(id) = client.member(&["id"]).text() {
        return Some(id.chars().take(64).collect::<String>().into());
    }
    let start = time(client.member(&["timestamp_start"]))?;
    let address = address(client.member(&["address"]))?;
    Some(format!("{address} {}", start.0).into())
}

/// `[host, port]`, with two more numbers for IPv6; until version 1.0 in a dictionary.
fn address(value: Value<'_>) -> Option<SocketAddr> {
    let value = if let Value::Dictionary(_) = value { value.member(&["address"]) } else { value };
    let mut items = value.items();
    let host = items.next()?.text()?;
    let port = if let Some(Value::Integer(port)) = items.next() { u16::try_from(port).ok()? } else { return None };
    let host: IpAddr = host.split('%').next()?.parse().ok()?;
    Some(SocketAddr::new(host.to_canonical(), port))
}

/// Seconds since 1970. Zero stands for an unknown time.
pub(super) fn time(value: Value<'_>) -> Option<Timestamp> {
    // Ten thousand years; beyond that the number is none of a clock.
    let seconds = value.number().filter(|seconds| *seconds > 0.0 && *seconds < 3.2e11)?;
    // Apart, because a double has no room for both at once.
    let microseconds = (seconds.fract() * 1e6).round() as i64;
    Some(Timestamp((seconds.trunc() as i64).saturating_mul(1_000_000).saturating_add(microseconds)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::tnetstring::value;

    fn check_address(content: &str, expected: Option<&str>) {
        let found = address(value(content.as_bytes()).unwrap().0).map(|address| address.to_string());
        assert_eq!(found.as_deref(), expected, "{content}");
    }

    #[test]
    fn addresses() {
        check_address("17:9:127.0.0.1,2:80#]", Some("127.0.0.1:80"));
        check_address("17:9:127.0.0.1;2:80#]", Some("127.0.0.1:80"));
        check_address("31:7:address;17:9:127.0.0.1,2:80#]}", Some("127.0.0.1:80"));
        check_address("32:16:::ffff:127.0.0.1;1:1#1:0#1:0#]", Some("127.0.0.1:1"));
        check_address("20:11:example.com,2:80#]", None);
        check_address("7:0:;1:0#]", None);
        check_address("18:9:127.0.0.1,3:-80#]", None);
        check_address("0:~", None);
    }

    #[test]
    fn times() {
        let check = |content: &str, expected: Option<i64>| {
            assert_eq!(time(value(content.as_bytes()).unwrap().0).map(|time| time.0), expected, "{content}");
        };
        check("18:1795549828.6592472^", Some(1_795_549_828_659_247));
        check("10:1795549828#", Some(1_795_549_828_000_000));
        check("3:0.0^", None);
        check("3:nan^", None);
        check("5:1e300^", None);
    }
}
