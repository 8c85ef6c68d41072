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
    /// Playwright.
    Playwright,
    /// `authtrail record`.
    Authtrail,
    /// Another one.
    Other,
}

impl Recorder {
    /// Tells it by its name in `log.creator`.
    pub(super) fn of(creator: &Program<'_>) -> Recorder {
        match creator.name.given() {
            Some("WebInspector") => Recorder::Chromium,
            Some("Firefox") => Recorder::Firefox,
            Some("Playwright") => Recorder::Playwright,
            Some("authtrail") => Recorder::Authtrail,
            Some(name) if name.starts_with("mitmproxy") => Recorder::Mitmproxy,
            _ => Recorder::Other,
        }
    }

    /// Whether it is known from its source that it never removes a header: `savehar.py` of mitmproxy and `harTracer.ts`
    /// of Playwright write every list as they have it, and so does our own recorder.
    pub(super) fn never_sanitizes(self) -> bool {
        matches!(self, Recorder::Mitmproxy | Recorder::Playwright | Recorder::Authtrail)
    }

    /// Whether its lists are always those of the message on the wire. Browsers also list what a page asked for.
    pub(super) fn lists_the_wire(self) -> bool {
        matches!(self, Recorder::Mitmproxy | Recorder::Authtrail)
    }

    /// Whether its `headersSize` was measured to differ from the listed headers by a constant.
    pub(super) fn sizes_are_measured(self) -> bool {
        matches!(self, Recorder::Chromium | Recorder::Firefox)
    }

    /// Whether its `headersSize` may be a measure of the listed headers at all; mitmproxy counts its own form of them.
    pub(super) fn sizes_may_measure(self) -> bool {
        self != Recorder::Mitmproxy
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
