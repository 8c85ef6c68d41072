//! Words for the closed lists of the contract. A value that is not in its list is shown as it is.

use super::contract::{Evidence, Report};
use super::escape;

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
        "default" => "the recording does not show which",
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
    match needs.strip_prefix("leg ").and_then(leg) {
        Some(leg) => format!("the traffic between {leg}"),
        None => needs.to_owned(),
    }
}

/// Between whom a leg goes.
pub(crate) fn leg(leg: &str) -> Option<&'static str> {
    Some(match leg {
        "browser-as" => "browser and authorization server",
        "browser-client" => "browser and the client's callback",
        "client-as" => "client and authorization server",
        "client-mcp" => "client and MCP server",
        "mcp-as" => "MCP server and authorization server",
        "as-client-metadata" => "authorization server and the client's metadata document",
        _ => return None,
    })
}

/// A sentence of a page to stand behind a colon: one line, without full stop, and with a small letter where the first
/// word is an ordinary one.
pub(crate) fn clause(sentence: &str) -> String {
    let line = escape::prose(sentence);
    let line = line.strip_suffix('.').unwrap_or(&line);
    let word = line.split(' ').next().unwrap_or_default();
    let mut letters = word.chars();
    match letters.next() {
        // Not `PKCE`, `S256`, `OAuth`, `I`.
        Some(first)
            if first.is_uppercase() && word.len() > 1 && letters.clone().all(|c| c.is_lowercase() || c == '\'') =>
        {
            first.to_lowercase().chain(line.chars().skip(1)).collect()
        }
        Some('A') if word == "A" => line.replacen('A', "a", 1),
        _ => line.to_owned(),
    }
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

/// What to record next, to stand behind "record next:".
pub(crate) fn record_next(text: &str) -> String {
    let clause = clause(text);
    clause.strip_prefix("record ").map(str::to_owned).unwrap_or(clause)
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

#[cfg(test)]
mod tests {
    use super::clause;

    #[test]
    fn clauses() {
        let check = |sentence, expected: &str| assert_eq!(clause(sentence), expected);
        check("The verifier\nis another one.", "the verifier is another one");
        check("A longer lifetime.", "a longer lifetime");
        check("PKCE is off.", "PKCE is off");
        check("OAuth is off...", "OAuth is off..");
        check("S256 it is", "S256 it is");
        check("", "");
    }
}
