//! Times of a HAR: RFC 3339 with any offset, and durations in milliseconds.

use super::model::{Entry, Object, Raw, Timings};
use crate::evidence::Timestamp;

/// When the request was sent. A time without offset is read as UTC: the order inside the file is worth more than the
/// hour, and files of other machines are moved to fit anyway.
pub(super) fn sent_at(entry: &Entry<'_>) -> Option<Timestamp> {
    read(entry.started.given()?)
}

/// A time as text.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp(time.as_microsecond()));
    }
    if let Ok(time) = text.parse::<jiff::civil::DateTime>() {
        let zoned = time.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok()?;
        return Some(Timestamp(zoned.timestamp().as_microsecond()));
    }
    // Seconds or milliseconds since 1970, as some scripts write them.
    let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0)?;
    let milliseconds = if number < 1e11 { number * 1e3 } else { number };
    plus(Timestamp(0), milliseconds)
}

/// When the answer was complete: `time` after the request, or the sum of the timings.
pub(super) fn answered_at(entry: &Entry<'_>, sent_at: Option<Timestamp>) -> Option<Timestamp> {
    let sent_at = sent_at?;
    let milliseconds = entry.time.known().or_else(|| sum(entry.timings))?;
    plus(sent_at, milliseconds)
}

/// HAR 1.2: `ssl` is part of `connect`; -1 stands for what did not happen.
fn sum(timings: Raw<'_>) -> Option<f64> {
    let timings: Timings<'_> = serde_json::from_str(timings.0?).ok()?;
    let parts = [timings.blocked, timings.dns, timings.connect, timings.send, timings.wait, timings.receive];
    timings.is_given().then(|| parts.into_iter().filter_map(|part| part.known()).sum())
}

/// So many milliseconds later.
pub(super) fn plus(time: Timestamp, milliseconds: f64) -> Option<Timestamp> {
    // Ten thousand years; beyond that the number is none of a clock.
    (milliseconds < 3.2e14).then(|| Timestamp(time.0.saturating_add((milliseconds * 1e3).round() as i64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: [Option<i64>; 2]) {
        let entry: Entry<'_> = serde_json::from_str(json).unwrap();
        let sent = sent_at(&entry);
        assert_eq!([sent, answered_at(&entry, sent)].map(|time| time.map(|time| time.0)), expected, "{json}");
    }

    #[test]
    fn times() {
        let base = 1_764_010_438_738_000;
        check(r#"{"startedDateTime":"2025-11-24T18:53:58.738Z","time":4.5}"#, [Some(base), Some(base + 4500)]);
        check(r#"{"startedDateTime":"2025-11-24T19:53:58.738+01:00"}"#, [Some(base), None]);
        check(
            r#"{"startedDateTime":"2025-11-24T18:53:58.738123","time":-1,"timings":{"blocked":-1,"send":1,"wait":"2","ssl":9}}"#,
            [Some(base + 123), Some(base + 3123)],
        );
        check(r#"{"startedDateTime":1764010438.738,"time":null}"#, [Some(base), None]);
        check(r#"{"startedDateTime":1764010438738,"time":1e300}"#, [Some(base), None]);
        check(r#"{"startedDateTime":"yesterday","time":1}"#, [None, None]);
        check("{}", [None, None]);
    }
}
