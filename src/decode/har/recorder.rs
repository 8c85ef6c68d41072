//! The programs that write HARs, where they differ in what their words mean.

use super::model::Program;

/// Who wrote the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recorder {
    /// DevTools of Chromium and its relatives.
    Chromium,
    /// Firefox.
    Firefox,
    /// mitmproxy.
    Mitmproxy,
    /// Another one.
    Other,
}

impl Recorder {
    /// Tells it by its name in `log.creator`.
    pub(super) fn of(creator: &Program<'_>) -> Recorder {
        match creator.name.given() {
            Some("WebInspector") => Recorder::Chromium,
            Some("Firefox") => Recorder::Firefox,
            Some(name) if name.starts_with("mitmproxy") => Recorder::Mitmproxy,
            _ => Recorder::Other,
        }
    }

    /// Whether it is known from its source that it never removes a header.
    pub(super) fn never_sanitizes(self) -> bool {
        self == Recorder::Mitmproxy
    }
}

/// Name and version in one text.
pub(super) fn describe(program: &Program<'_>) -> Option<String> {
    let name = program.name.given()?;
    Some(match program.version.given() {
        Some(version) => format!("{name} {version}"),
        None => name.to_owned(),
    })
}
