//! Messages on standard error: `authtrail: subject: cause; what to do`.

use std::io::Write;

use authtrail::report::contract::Problem;
use authtrail::report::escape;

/// Writes one message, made safe for a terminal. Standard error that is closed is nobody's problem.
pub(crate) fn say(message: &str) {
    let _ = writeln!(std::io::stderr().lock(), "authtrail: {}", escape::terminal(message));
}

/// Writes a message of several lines, such as an excerpt of a file with what is wrong in it.
pub(crate) fn say_lines(message: &str) {
    let mut lines = message.trim_end().lines();
    say(lines.next().unwrap_or_default().trim_start_matches("error: "));
    for line in lines {
        let _ = writeln!(std::io::stderr().lock(), "{}", escape::terminal(line));
    }
}

/// Writes what could not be read in the recording at `path`.
pub(crate) fn problem(path: &str, problem: &Problem) {
    match &problem.at {
        Some(at) => say(&format!("{path}: {at}: {}", problem.message)),
        None => say(&format!("{path}: {}", problem.message)),
    }
}

/// Says what is wrong with the usage, in the words of clap, as a message of ours; or prints help or version.
pub(crate) fn usage(error: &clap::Error) {
    if !error.use_stderr() || error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
        return;
    }
    // What was typed may be the name of a file that a stranger chose.
    say_lines(&error.render().to_string());
}

/// `; did you mean 'x'?` with the name most like `given`; nothing where none is.
pub(crate) fn did_you_mean<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let likeness = |name: &'a str| (strsim::jaro_winkler(given, name), name);
    let best = known.into_iter().map(likeness).max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(likeness, _)| *likeness > 0.8)
        .map(|(_, name)| format!("; did you mean '{name}'?"))
        .unwrap_or_default()
}
