//! `authtrail FILE...` means `authtrail diagnose FILE...`.
//!
//! The rule: where the first argument that is no option is not a command, `diagnose` is put before everything. Where it is
//! one, options that stand before it are taken as its own. A file that is called like a command is given as `./rules`.

use std::ffi::OsString;

use clap::{Command, CommandFactory};

use super::arguments::Arguments;

/// `arguments`, program name first, with the command in front of its options; with `diagnose` where none is named.
pub(super) fn with_command(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let known = Arguments::command();
    match first_word(&known, &arguments) {
        Some(Word::Plain(at)) if known.find_subcommand(&arguments[at]).is_some() => {
            let command = arguments.remove(at);
            arguments.insert(1, command);
        }
        Some(_) => arguments.insert(1, "diagnose".into()),
        None => {}
    }
    arguments
}

/// The first argument that is neither an option nor the value of one.
enum Word {
    /// At this place.
    Plain(usize),
    /// Behind `--`, where no command stands.
    Literal,
}

fn first_word(known: &Command, arguments: &[OsString]) -> Option<Word> {
    let mut rest = arguments.iter().enumerate().skip(1);
    while let Some((at, argument)) = rest.next() {
        let text = argument.to_string_lossy();
        if text == "--" {
            return rest.next().map(|_| Word::Literal);
        }
        if text == "-" || !text.starts_with('-') {
            return Some(Word::Plain(at));
        }
        if value_follows(known, &text) {
            rest.next();
        }
    }
    None
}

/// Whether the argument after this option is its value.
fn value_follows(known: &Command, option: &str) -> bool {
    let all = || known.get_subcommands().flat_map(Command::get_arguments).chain(known.get_arguments());
    let takes = |arg: &clap::Arg| arg.get_action().takes_values();
    if let Some(long) = option.strip_prefix("--") {
        return all().any(|arg| arg.get_long() == Some(long) && takes(arg));
    }
    // `-o FILE`, `-qo FILE`; in `-oFILE` the value is there already.
    let letters: Vec<char> = option.chars().skip(1).collect();
    let at = letters.iter().position(|letter| all().any(|arg| arg.get_short() == Some(*letter) && takes(arg)));
    at.is_some_and(|at| at + 1 == letters.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &str, expected: &str) {
        let given = std::iter::once("authtrail").chain(given.split(' ')).map(OsString::from);
        let completed = with_command(given).into_iter().skip(1).map(|word| word.into_string().unwrap());
        assert_eq!(completed.collect::<Vec<_>>().join(" "), expected);
    }

    #[test]
    fn files_alone_are_diagnosed() {
        check("login.har", "diagnose login.har");
        check("--format json login.har", "diagnose --format json login.har");
        check("--format=json login.har", "diagnose --format=json login.har");
        check("-o out.json login.har", "diagnose -o out.json login.har");
        check("-qo rules login.har", "diagnose -qo rules login.har");
        check("-oout.json login.har", "diagnose -oout.json login.har");
        check("--show-secrets a.har rules", "diagnose --show-secrets a.har rules");
        check("--key rules a.har", "diagnose --key rules a.har");
        check("-", "diagnose -");
        check("-- rules", "diagnose -- rules");
        check("./rules", "diagnose ./rules");
    }

    #[test]
    fn commands_stay() {
        for given in
            ["rules", "explain x", "exchanges --format json a.har", "diagnose rules", "--help", "-V", "--format json"]
        {
            check(given, given);
        }
        check("--format json exchanges a.har", "exchanges --format json a.har");
        check("--quiet diagnose rules", "diagnose --quiet rules");
    }
}
