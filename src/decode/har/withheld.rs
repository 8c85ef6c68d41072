//! Whether the exporter removed credentials, from the file as a whole and for each entry.

use super::entry::Measured;
use super::model::Text;
use super::preflight;
use super::recorder::Recorder;
use crate::decode::Sanitized;
use crate::decode::exchange::{Answer, CREDENTIAL_HEADERS, Exchange, Header, HeaderState, Headers, Response, Withheld};

/// How much larger `headersSize` is than the listed header block, for each way of counting the first line.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Measure {
    /// `None` where the numbers decide nothing.
    excess: Option<[i64; WAYS]>,
    /// Whether the recorder gave a size at all.
    sized: bool,
}

/// The first line as it is sent (RFC 9112, 3), no first line, and the whole URL in it: what recorders were seen to count.
const WAYS: usize = 3;

impl Measure {
    /// For an HTTP/1.1 request.
    pub(super) fn of_request(method: &str, target: &str, url: &str, headers: &Headers, size: Option<u64>) -> Measure {
        let line = |target: &str| method.len() + " ".len() + target.len() + " HTTP/1.1\r\n".len();
        Measure { excess: excess(size, [line(target), 0, line(url)], headers), sized: size.is_some() }
    }

    /// For an HTTP/1.1 response.
    pub(super) fn of_response(reason: &Text<'_>, headers: &Headers, size: Option<u64>) -> Measure {
        let line = "HTTP/1.1 200 \r\n".len() + reason.0.as_deref().unwrap_or_default().len();
        Measure { excess: excess(size, [line, 0, line], headers), sized: size.is_some() }
    }
}

impl Measure {
    fn by(&self, way: usize) -> Option<i64> {
        self.excess.as_ref()?.get(way).copied()
    }
}

fn excess(size: Option<u64>, lines: [usize; WAYS], headers: &Headers) -> Option<[i64; WAYS]> {
    let mut listed = "\r\n".len();
    for header in headers.list.iter() {
        let value = header.value?;
        // Recorders count characters, octets or UTF-16 units: the same number only for ASCII.
        if !value.is_ascii() || !header.name.is_ascii() {
            return None;
        }
        listed += header.name.len() + ": ".len() + value.len() + "\r\n".len();
    }
    let size = i64::try_from(size.filter(|size| *size > 0)?).ok()?;
    let excess = lines.map(|line| size.saturating_sub_unsigned((line + listed) as u64));
    (headers.withheld == Withheld::Nothing && !headers.list.is_empty()).then_some(excess)
}

/// What a difference says once the constant of the file is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Undecided,
    Untouched,
    Removed(u32),
}

/// The difference on untouched messages of a file, between no empty line counted and some more line ends.
const PLAUSIBLE: std::ops::RangeInclusive<i64> = -4..=4;

/// The shortest line that can have been removed: `Cookie: a` and its line end.
const SHORTEST_LINE: i64 = 11;

/// The difference that untouched messages of this file show; `None` where the numbers are no measure of the headers.
fn constant(excesses: &[i64], measured: bool) -> Option<i64> {
    let count = |value: i64| excesses.iter().filter(|excess| **excess == value).count();
    let constant = PLAUSIBLE.rev().max_by_key(|value| count(*value))?;
    let hits = count(constant);
    // A difference of less than a line is noise, so this number measures something else.
    let near = |excess: i64| excess != constant && (excess - constant).abs() < SHORTEST_LINE;
    let below = excesses.iter().filter(|excess| **excess < constant).count();
    if hits == 0 || below >= hits || excesses.iter().any(|excess| near(*excess)) {
        return None;
    }
    // In DevTools of Chromium and in Firefox the number was measured to be one; elsewhere most entries must show it.
    (measured || hits * 2 > excesses.len()).then_some(constant)
}

/// Which way of counting the file uses, with its constant.
struct Scale {
    way: usize,
    constant: i64,
}

impl Scale {
    fn find(measures: &[Measure], recorder: Recorder) -> Option<Scale> {
        if !recorder.sizes_may_measure() {
            return None;
        }
        let measured = recorder.sizes_are_measured();
        (0..WAYS).find_map(|way| {
            let excesses: Vec<i64> = measures.iter().filter_map(|measure| measure.by(way)).collect();
            constant(&excesses, measured && way == 0).map(|constant| Scale { way, constant })
        })
    }

    fn verdict(scale: Option<&Scale>, measure: &Measure) -> Verdict {
        let Some(scale) = scale else { return Verdict::Undecided };
        match measure.by(scale.way).map(|excess| excess - scale.constant) {
            Some(0) => Verdict::Untouched,
            Some(removed) if removed > 0 => u32::try_from(removed).map_or(Verdict::Undecided, Verdict::Removed),
            _ => Verdict::Undecided,
        }
    }
}

/// Decides for the file and for each header list (design, decision 3).
pub(super) fn decide(exchanges: &mut [Exchange], measures: &[Measured], recorder: Recorder) -> Sanitized {
    let requests: Vec<Measure> = measures.iter().map(|measured| measured.request).collect();
    let responses: Vec<Measure> = measures.iter().map(|measured| measured.response).collect();
    let (request_scale, response_scale) = (Scale::find(&requests, recorder), Scale::find(&responses, recorder));
    let verdicts: Vec<(Verdict, Verdict)> = requests
        .iter()
        .zip(&responses)
        .map(|(request, response)| {
            (Scale::verdict(request_scale.as_ref(), request), Scale::verdict(response_scale.as_ref(), response))
        })
        .collect();
    mask_emptied(exchanges);
    let seen = Seen::in_file(exchanges);
    let removed = verdicts
        .iter()
        .any(|(request, response)| matches!(request, Verdict::Removed(_)) || matches!(response, Verdict::Removed(_)));
    let mut asked_for = false;
    if !seen.authorization && !recorder.never_sanitizes() {
        for index in preflight::authorized(exchanges) {
            let untouched = verdicts.get(index).is_some_and(|(request, _)| *request == Verdict::Untouched);
            asked_for |= !untouched && exchanges.get_mut(index).is_some_and(mark_authorization);
        }
    }
    let sanitized = if removed || asked_for || seen.masked {
        Sanitized::Yes
    } else if seen.credentials || recorder.never_sanitizes() {
        Sanitized::No
    } else {
        Sanitized::Possible
    };
    let lists_host = exchanges.iter().any(|exchange| names_host(&exchange.request.headers));
    for ((exchange, measured), (request, response)) in exchanges.iter_mut().zip(measures).zip(verdicts) {
        if !recorder.lists_the_wire() && is_provisional(exchange, measured, lists_host) {
            exchange.request.headers.withheld = Withheld::Everything;
        }
        set(&mut exchange.request.headers, sanitized, request);
        // Every message has header fields (RFC 9110, 7.2 and 6.6.1): a list of none is no list, where it is not known to be
        // that of the wire.
        let withhold_none = |headers: &mut Headers| {
            if headers.list.is_empty() && !recorder.lists_the_wire() {
                headers.withheld = Withheld::Everything;
            }
        };
        withhold_none(&mut exchange.request.headers);
        if let Answer::Received(received) = &mut exchange.answer {
            set(&mut received.headers, sanitized, response);
            withhold_none(&mut received.headers);
        }
    }
    sanitized
}

/// Takes credentials without a value for masks where the file holds none with one: no program sends them so everywhere.
fn mask_emptied(exchanges: &mut [Exchange]) {
    let is_credential = |name: &str| CREDENTIAL_HEADERS.iter().any(|known| name.eq_ignore_ascii_case(known));
    let mut emptied = false;
    for header in exchanges.iter().flat_map(lists).flat_map(|headers| headers.list.iter()) {
        if is_credential(header.name)
            && let Some(value) = header.value
        {
            if !value.trim().is_empty() {
                return;
            }
            emptied = true;
        }
    }
    for exchange in exchanges.iter_mut().filter(|_| emptied) {
        let is_emptied = |header: Header<'_>| is_credential(header.name) && header.value.is_some();
        exchange.request.headers.list.mask(is_emptied);
        if let Answer::Received(response) = &mut exchange.answer {
            response.headers.list.mask(is_emptied);
        }
    }
}

/// The header lists of an exchange.
fn lists(exchange: &Exchange) -> impl Iterator<Item = &Headers> {
    [Some(&exchange.request.headers), exchange.answer.response().map(|response| &response.headers)]
        .into_iter()
        .flatten()
}

fn set(headers: &mut Headers, sanitized: Sanitized, verdict: Verdict) {
    if headers.withheld == Withheld::Everything {
        return;
    }
    headers.withheld = match (sanitized, verdict) {
        (_, Verdict::Removed(octets)) => Withheld::CredentialsFor(octets),
        (Sanitized::No, _) | (_, Verdict::Untouched) => Withheld::Nothing,
        _ => Withheld::Credentials,
    };
}

/// What the header lists of a file show.
#[derive(Default)]
struct Seen {
    authorization: bool,
    credentials: bool,
    masked: bool,
}

impl Seen {
    fn in_file(exchanges: &[Exchange]) -> Seen {
        let mut seen = Seen::default();
        for exchange in exchanges {
            for header in lists(exchange).flat_map(|headers| headers.list.iter()) {
                if header.value.is_none() {
                    seen.masked = true;
                } else if CREDENTIAL_HEADERS.iter().any(|name| header.name.eq_ignore_ascii_case(name)) {
                    seen.credentials = true;
                    seen.authorization |= header.name.eq_ignore_ascii_case("authorization");
                }
            }
        }
        seen
    }
}

/// Notes that the request had an `Authorization` that the file does not show. Whether there was none in the list.
fn mark_authorization(exchange: &mut Exchange) -> bool {
    let headers = &mut exchange.request.headers;
    if matches!(headers.state("authorization"), HeaderState::Present(_) | HeaderState::Masked) {
        return false;
    }
    headers.list.push("authorization", None);
    true
}

/// Whether the list is what the page asked for and not what went out: no host in it, no size, and the request was never
/// sent, or the recorder names the host on other entries.
fn is_provisional(exchange: &Exchange, measured: &Measured, lists_host: bool) -> bool {
    let sent = matches!(&exchange.answer, Answer::Received(Response { from_cache: false, .. }));
    !names_host(&exchange.request.headers) && !measured.request.sized && (!sent || lists_host)
}

fn names_host(headers: &Headers) -> bool {
    headers.get("host").or_else(|| headers.get(":authority")).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(excesses: &[i64], measured: bool, expected: Option<i64>) {
        assert_eq!(constant(excesses, measured), expected, "{excesses:?}");
    }

    #[test]
    fn the_constant_of_a_file() {
        check(&[-2, -2, -2, 110, 206, 756], true, Some(-2));
        check(&[756, 756, 756, 756, -2], true, Some(-2));
        check(&[0, 0, -39], true, Some(0));
        check(&[756, 756], true, None);
        check(&[], true, None);
    }

    #[test]
    fn numbers_that_measure_something_else() {
        check(&[5, 5, 4, 4], false, None);
        check(&[31, 15, 21, -19, -32], false, None);
        check(&[-2, 30, 40, 50], false, None);
        check(&[0, 0, 0, 4], true, None);
        check(&[-2, -178, -22], false, None);
    }
}
