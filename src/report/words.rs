//! Words for the closed lists of the contract. A value that is not in its list is shown as it is.

use super::contract::{Evidence, Report};

/// The party as the subject of "must change".
pub(crate) fn party(party: &str) -> &str {
    match party {
        "client" => "the client",
        "mcp-server" => "the MCP server",
        "authorization-server" => "the authorization server",
        "intermediary" => "an intermediary (proxy, gateway, edge)",
        "user" => "the user",
        other => other,
    }
}

/// The status of a link in the ladder.
pub(crate) fn status(status: &str) -> &str {
    match status {
        "broken" => "BROKEN",
        "not-reached" => "not reached",
        "not-observed" => "not observed",
        "not-applicable" => "not applicable",
        other => other,
    }
}

/// How the revision was decided, to stand in brackets behind it.
pub(crate) fn revision_by(by: &str) -> &str {
    match by {
        "meta-accepted" => "named in _meta, accepted",
        "initialize-result" => "initialize result",
        "version-header" => "MCP-Protocol-Version",
        "supported-versions" => "listed as supported",
        "modern-error" => "an error that only it has",
        "session-id" => "a session id was issued",
        "endpoint-event" => "endpoint event",
        "batch" => "batches accepted",
        "feature" => "a feature that only it has",
        "modern-request" => "version in _meta",
        "offered" => "offered by the client, not yet accepted",
        "default" => "the recording does not show it",
        "assumed" => "assumed as told",
        other => other,
    }
}

/// How a loss shows.
pub(crate) fn symptom(symptom: &str) -> &str {
    match symptom {
        "no-authorization-request" => "challenged, and the browser was not sent to the authorization endpoint",
        "authorization-error" => "the authorization endpoint answered with an error",
        "no-callback" => "the authorization response did not reach the client",
        "no-token-request" => "the code was not redeemed",
        "token-error" => "the token endpoint answered with an error",
        "no-mcp-request" => "a token was issued and the MCP server was not asked again",
        "unauthorized" => "the MCP server answered 401",
        "forbidden" => "the MCP server answered 403",
        "session-refused" => "the session was refused",
        "request-refused" => "the request was refused",
        "unreadable" => "the client could not read the answer",
        other => other,
    }
}

/// What it would take to judge a rule, from the `needs` of the contract.
pub(crate) fn needs(needs: &str) -> String {
    let leg = match needs.strip_prefix("leg ") {
        Some("browser-as") => "between browser and authorization server",
        Some("browser-client") => "between browser and the client's callback",
        Some("client-as") => "between client and authorization server",
        Some("client-mcp") => "between client and MCP server",
        Some("mcp-as") => "between MCP server and authorization server",
        Some("as-client-metadata") => "between authorization server and the client's metadata document",
        _ => return needs.to_owned(),
    };
    format!("the traffic {leg}")
}

/// The place of a piece of evidence; with the recording where there are several.
pub(crate) fn place(report: &Report, evidence: &Evidence) -> String {
    let mut place = evidence.at.clone();
    if report.captures.len() > 1 {
        place = format!("{} {place}", evidence.capture);
    }
    if let Some(sighting) = evidence.sighting.filter(|sighting| *sighting > 1) {
        place.push_str(&format!(" (hop {sighting})"));
    }
    place
}

/// `1 exchange`, `2 exchanges`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// `a`, `a or b`, `a, b or c`.
pub(crate) fn either(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
