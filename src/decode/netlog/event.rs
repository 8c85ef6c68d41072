//! One event, and the numbers that stand for its names.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::evidence::Timestamp;

/// The member `constants`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Constants {
    client_info: HashMap<String, Value>,
    log_event_types: HashMap<String, i64>,
    log_source_type: HashMap<String, i64>,
    log_event_phase: HashMap<String, i64>,
    net_error: HashMap<String, i64>,
    time_tick_offset: Value,
    /// `Default`, `IncludeSensitive`, `Everything`; older versions do not say.
    #[serde(rename = "logCaptureMode")]
    pub(super) mode: Option<String>,
}

impl Constants {
    /// Name and version of the browser.
    pub(super) fn creator(&self) -> Option<String> {
        let text = |name: &str| self.client_info.get(name).and_then(Value::as_str);
        let name = text("name")?;
        Some(text("version").map_or_else(|| name.to_owned(), |version| format!("{name} {version}")))
    }
}

/// Names of the numbers in events.
#[derive(Debug)]
pub(super) struct Names {
    events: HashMap<i64, String>,
    sources: HashMap<i64, String>,
    errors: HashMap<i64, String>,
    begin: Option<i64>,
    /// Milliseconds from 1970 to the zero of the times in events.
    offset: f64,
}

impl Names {
    pub(super) fn new(constants: Constants) -> Self {
        let turned = |map: HashMap<String, i64>| map.into_iter().map(|(name, number)| (number, name)).collect();
        Names {
            begin: constants.log_event_phase.get("PHASE_BEGIN").copied(),
            events: turned(constants.log_event_types),
            sources: turned(constants.log_source_type),
            errors: turned(constants.net_error),
            offset: number(&constants.time_tick_offset).unwrap_or(f64::NAN),
        }
    }

    /// Whether no event has a name.
    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The name of the event; empty where it has none.
    pub(super) fn event(&self, event: &Event<'_>) -> &str {
        self.events.get(&event.kind).map(String::as_str).unwrap_or_default()
    }

    /// What the event happened to; empty where that has no name.
    pub(super) fn source(&self, event: &Event<'_>) -> &str {
        self.sources.get(&event.source.kind).map(String::as_str).unwrap_or_default()
    }

    /// Whether the event begins something that an event of the same name ends.
    pub(super) fn is_begin(&self, event: &Event<'_>) -> bool {
        self.begin == Some(event.phase)
    }

    /// The browser's word for an error.
    pub(super) fn error(&self, number: i64) -> String {
        self.errors.get(&number).map_or_else(|| format!("net error {number}"), |name| format!("net::{name}"))
    }

    /// When; `None` where the log has no clock.
    pub(super) fn time(&self, event: &Event<'_>) -> Option<Timestamp> {
        let milliseconds = self.offset + number(&event.time)?;
        // Ten thousand years; beyond that the number is none of a clock.
        (milliseconds > 0.0 && milliseconds < 3.2e14).then(|| Timestamp((milliseconds * 1e3).round() as i64))
    }
}

/// Numbers stand as numbers or as text.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

/// One event.
#[derive(Debug, Deserialize)]
pub(super) struct Event<'a> {
    #[serde(rename = "type", default)]
    kind: i64,
    #[serde(default)]
    phase: i64,
    #[serde(default)]
    time: Value,
    /// What it happened to.
    #[serde(default)]
    pub(super) source: Source,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

/// What an event happened to.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Source {
    /// Its number, which the viewer shows.
    #[serde(default)]
    pub(super) id: i64,
    #[serde(rename = "type", default)]
    kind: i64,
}

impl Event<'_> {
    /// What it says.
    pub(super) fn params(&self) -> Params {
        Params(self.params.and_then(|json| serde_json::from_str(json.get()).ok()).unwrap_or_default())
    }
}

/// What an event says.
#[derive(Debug)]
pub(super) struct Params(Value);

impl Params {
    /// A text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// A count.
    pub(super) fn count(&self, name: &str) -> Option<usize> {
        usize::try_from(self.0.get(name)?.as_u64()?).ok()
    }

    /// The number of the source that this one is bound to.
    pub(super) fn dependency(&self) -> Option<i64> {
        self.0.get("source_dependency")?.get("id")?.as_i64()
    }

    /// Octets, where the log was made with them.
    pub(super) fn octets(&self) -> Option<Vec<u8>> {
        STANDARD.decode(self.text("bytes")?).ok()
    }

    /// An error; what is still going on is none.
    pub(super) fn net_error(&self) -> Option<i64> {
        const IO_PENDING: i64 = -1;
        self.0.get("net_error")?.as_i64().filter(|number| *number < IO_PENDING)
    }

    /// Header lines.
    pub(super) fn headers(&self) -> Vec<&str> {
        let list = self.0.get("headers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        list.iter().filter_map(Value::as_str).collect()
    }
}
