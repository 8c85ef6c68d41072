//! What is led through in the reverse mode, so that the client's login goes through the proxy as well.
//!
//! The client must come to the conclusions that it would have come to without the proxy. It compares names: the resource
//! with the address that it was given, the issuer with where it looked for the metadata, `iss` with the issuer. So every
//! name of a server that is led through is changed in all the places where the client reads it, and changed back in all
//! places where it sends it on; a name that is spelled otherwise, or that is another server's, stays, and is unequal as
//! it was.
//!
//! | to the client | to the server |
//! |---|---|
//! | resource metadata: `resource`, `authorization_servers` | parameters of a query or form that are such a name (`resource`) |
//! | server metadata: `issuer`, `*_endpoint`, `jwks_uri` | `Origin`, `Referer` |
//! | `resource_metadata` of a challenge | the authority, of course |
//! | `Location`, and `iss` in its query | |
//! | `Domain` of a cookie of the server is left out | |
//! | the address in an `endpoint` event | |
//!
//! Where an authorization server is named that is not led through, `resource` and `authorization_servers` stay as they
//! are: the client would carry the proxy's name to it, and the audience of the token would be wrong. Nothing is changed
//! in MCP messages, tokens, pages, or anything else. What is signed cannot be changed: where a proof (RFC 9449) or a
//! client assertion (RFC 7523) names the proxy, the request is refused, since the server would, and nobody would be to blame.

use hyper::HeaderMap;
use hyper::header::{self, HeaderName, HeaderValue};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

use super::exchange::Change;
use super::names::{Compare, Names, Spelling};
use crate::decode::body::from_base64;

/// Changed text, and what was changed in it.
pub(super) type Renamed<T> = (T, Vec<Change>);

/// A metadata document for the client; `None` where nothing in it is led through. `left` takes the names of servers that
/// are not.
pub(super) fn metadata(document: &str, names: &Names, left: &mut Vec<String>) -> Option<Renamed<String>> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(document).ok()?;
    let mut edits = Vec::new();
    let mut edit = |text: &str, compare| -> bool {
        let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else { return false };
        let Some((renamed, change)) = names.given(inner, compare, Spelling::Json) else { return false };
        // The slice is one of the document.
        let start = (inner.as_ptr() as usize).saturating_sub(document.as_ptr() as usize);
        edits.push((start..start + inner.len(), renamed, change));
        true
    };
    let is_of_resource = members.contains_key("authorization_servers") || members.contains_key("resource");
    if is_of_resource {
        let listed = members.get("authorization_servers").and_then(|list| serde_json::from_str(list.get()).ok());
        let servers: Vec<&RawValue> = listed.unwrap_or_default();
        let foreign = servers.iter().filter(|server| {
            let inner = server.get().trim_matches('"');
            names.given(inner, Compare::Octets, Spelling::Json).is_none()
        });
        left.extend(foreign.filter_map(|server| serde_json::from_str(server.get()).ok()));
        if left.is_empty() {
            let resource = members.get("resource").map(|resource| resource.get());
            servers.iter().map(|server| server.get()).chain(resource).for_each(|text| {
                edit(text, Compare::Octets);
            });
        }
    }
    if let Some(issuer) = members.get("issuer") {
        edit(issuer.get(), Compare::Octets);
        let addresses = members.iter().filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri");
        for (name, address) in addresses {
            let led = edit(address.get(), Compare::Origins);
            if !led && matches!(&**name, "token_endpoint" | "authorization_endpoint" | "registration_endpoint") {
                left.extend(serde_json::from_str::<String>(address.get()).ok());
            }
        }
    }
    apply(document, edits, "response.body")
}

/// Puts the edits into the text.
fn apply(text: &str, mut edits: Vec<(std::ops::Range<usize>, String, Change)>, place: &str) -> Option<Renamed<String>> {
    if edits.is_empty() {
        return None;
    }
    edits.sort_by_key(|(range, ..)| range.start);
    let mut renamed = String::with_capacity(text.len());
    let mut changes: Vec<Change> = Vec::new();
    let mut done = 0;
    for (range, value, change) in edits {
        renamed.push_str(text.get(done..range.start)?);
        renamed.push_str(&value);
        done = range.end;
        note(&mut changes, place, change);
    }
    renamed.push_str(text.get(done..)?);
    Some((renamed, changes))
}

/// Notes a change; one of the same kind at the same place is noted once.
fn note(changes: &mut Vec<Change>, place: &str, change: Change) {
    let place = if place.is_empty() { change.place } else { place.to_owned() };
    let change = Change { place, ..change };
    if !changes.contains(&change) {
        changes.push(change);
    }
}

/// The header fields of an answer, changed for the client. `announced` takes the paths of metadata that it names.
pub(super) fn answer_fields(headers: &mut HeaderMap, names: &Names, announced: &mut Vec<String>) -> Vec<Change> {
    let mut changes = Vec::new();
    rewrite(headers, &header::WWW_AUTHENTICATE, &mut changes, |value| challenge(value, names, announced));
    rewrite(headers, &header::LOCATION, &mut changes, |value| location(value, names));
    rewrite(headers, &header::SET_COOKIE, &mut changes, without_domain);
    changes
}

/// Changes every field of this name.
fn rewrite(
    headers: &mut HeaderMap,
    name: &HeaderName,
    changes: &mut Vec<Change>,
    mut change: impl FnMut(&str) -> Option<Renamed<String>>,
) {
    let header::Entry::Occupied(mut fields) = headers.entry(name) else { return };
    for value in fields.iter_mut() {
        let Some((renamed, made)) = value.to_str().ok().and_then(&mut change) else { continue };
        let Ok(renamed) = HeaderValue::from_str(&renamed) else { continue };
        *value = renamed;
        made.into_iter().for_each(|made| note(changes, "", made));
    }
}

/// The `resource_metadata` of a challenge (RFC 9728, 5.1).
fn challenge(value: &str, names: &Names, announced: &mut Vec<String>) -> Option<Renamed<String>> {
    const PARAMETER: &str = "resource_metadata";
    let at = value.to_ascii_lowercase().find(PARAMETER)? + PARAMETER.len();
    let rest = value.get(at..)?;
    let trimmed = rest.trim_start().strip_prefix('=')?.trim_start();
    let trimmed = trimmed.strip_prefix('"').unwrap_or(trimmed);
    let start = value.len() - trimmed.len();
    let length = trimmed.find(['"', ',', ' ']).unwrap_or(trimmed.len());
    let url = trimmed.get(..length)?;
    if let Ok(url) = url::Url::parse(url) {
        announced.push(url.path().to_owned());
    }
    let (renamed, change) = names.given(url, Compare::Origins, Spelling::Plain)?;
    apply(value, vec![(start..start + length, renamed, change)], "response.header.www-authenticate")
}

/// A redirect to a server that is led through, and the issuer that answers in it (RFC 9207).
fn location(value: &str, names: &Names) -> Option<Renamed<String>> {
    let mut edits = Vec::new();
    let query = value.find('?').map_or(value.len(), |at| at + 1);
    let target = value.get(..query)?;
    if let Some((renamed, change)) = names.given(target, Compare::Origins, Spelling::Plain) {
        edits.push((0..query, renamed, change));
    }
    for (range, parameter) in parameters(value, query) {
        if let Some(issuer) = parameter.strip_prefix("iss=")
            && let Some((renamed, change)) = names.given(issuer, Compare::Octets, Spelling::Percent)
        {
            edits.push((range.start + "iss=".len()..range.end, renamed, change));
        }
    }
    apply(value, edits, "response.header.location")
}

/// The parameters of a query or form from `start` on, with their places; up to a fragment.
fn parameters(text: &str, start: usize) -> impl Iterator<Item = (std::ops::Range<usize>, &str)> {
    let all = text.get(start..).unwrap_or_default();
    let all = all.split_once('#').map_or(all, |(query, _)| query);
    let mut at = start;
    all.split('&').map(move |parameter| {
        let range = at..at + parameter.len();
        at = range.end + 1;
        (range, parameter)
    })
}

/// A cookie for the host that it came from: the `Domain` attribute names the server's (RFC 6265, 5.2.3).
fn without_domain(value: &str) -> Option<Renamed<String>> {
    let is_domain = |part: &str| part.trim().to_ascii_lowercase().starts_with("domain=");
    let domain = value.split(';').skip(1).find(|part| is_domain(part))?;
    let kept: Vec<&str> =
        value.split(';').enumerate().filter(|(at, part)| *at == 0 || !is_domain(part)).map(|(_, part)| part).collect();
    let change =
        Change { place: "response.header.set-cookie".to_owned(), here: String::new(), there: format!(";{domain}") };
    Some((kept.join(";"), vec![change]))
}

/// The header fields of a request, changed for the server.
pub(super) fn request_fields(headers: &mut HeaderMap, names: &Names) -> Vec<Change> {
    let mut changes = Vec::new();
    for name in [header::ORIGIN, header::REFERER] {
        let place = format!("request.header.{name}");
        rewrite(headers, &name, &mut changes, |value| {
            let (renamed, change) = names.own(value, Spelling::Plain)?;
            Some((renamed, vec![Change { place: place.clone(), ..change }]))
        });
    }
    changes
}

/// A query (from `start` on) or form, changed for the server: parameters that are a name in the client's spelling.
pub(super) fn request_parameters(text: &str, start: usize, names: &Names, place: &str) -> Option<Renamed<String>> {
    let mut edits = Vec::new();
    for (range, parameter) in parameters(text, start) {
        let Some((name, value)) = parameter.split_once('=') else { continue };
        // The address to come back to is the client's own, whatever it is.
        if name == "redirect_uri" {
            continue;
        }
        if let Some((renamed, change)) = names.own(value, Spelling::Percent) {
            edits.push((range.start + name.len() + 1..range.end, renamed, change));
        }
    }
    apply(text, edits, place)
}

/// The first event of the old transport: the address for messages, which a client compares with where it is connected.
pub(super) fn endpoint_event(text: &str, names: &Names) -> Option<Renamed<String>> {
    if !text.starts_with("event: endpoint") && !text.starts_with("event:endpoint") {
        return None;
    }
    let start = text.find("data:")? + "data:".len();
    let rest = text.get(start..)?;
    let start = start + (rest.len() - rest.trim_start_matches(' ').len());
    let rest = text.get(start..)?;
    let length = rest.find(['\r', '\n']).unwrap_or(rest.len());
    let (renamed, change) = names.given(rest.get(..length)?, Compare::Origins, Spelling::Plain)?;
    apply(text, vec![(start..start + length, renamed, change)], "response.body")
}

/// What in a request is signed and names the proxy; `None` where nothing does.
pub(super) fn signed_name(headers: &HeaderMap, form: Option<&str>, names: &Names) -> Option<&'static str> {
    let proof = headers.get("dpop").and_then(|value| value.to_str().ok());
    if proof.is_some_and(|proof| names_in_token(proof, names)) {
        return Some("the DPoP proof");
    }
    let assertion = form.and_then(|form| form.split('&').find_map(|part| part.strip_prefix("client_assertion=")));
    assertion.filter(|assertion| names_in_token(assertion, names)).map(|_| "the client assertion")
}

/// Whether the claims of a signed token name a listener.
fn names_in_token(token: &str, names: &Names) -> bool {
    let claims = token.split('.').nth(1).and_then(|claims| from_base64(claims.as_bytes()));
    claims.is_some_and(|claims| names.occur_in(&String::from_utf8_lossy(&claims).replace(r"\/", "/")))
}
