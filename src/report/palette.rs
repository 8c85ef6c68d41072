//! The few colours of the terminal report. None of them carries meaning alone: every word stands there as well.

use anstyle::{AnsiColor, Style};

/// A loss, a broken link, an error.
pub(crate) const BROKEN: Style = AnsiColor::Red.on_default().bold();
/// A warning, a refusal by a person or a policy, what could not be judged.
pub(crate) const CAUTION: Style = AnsiColor::Yellow.on_default().bold();
/// What held.
pub(crate) const HELD: Style = AnsiColor::Green.on_default();
/// A good outcome.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Who must change, headings.
pub(crate) const STRONG: Style = Style::new().bold();
/// Places and what matters less.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// As the terminal has it.
pub(crate) const PLAIN: Style = Style::new();
