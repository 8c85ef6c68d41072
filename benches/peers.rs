//! Large recordings: `authtrail diagnose`, and beside it, in the same run, what others take for the same file: tshark for
//! packet captures, wiretrail for HAR files, where `TSHARK` and `WIRETRAIL` name their programs.
//!
//! `PEERS_RECORDINGS=a.pcap:b.har cargo bench --bench peers`; it prints a table and ratios, and fails only where a program
//! does not run. tshark prints method, URI and status of what it knows for HTTP. `PEERS_ROUNDS` is how often each is tried,
//! one after another; the run with the least processor time counts.

// A bench speaks on the terminal.
#![allow(clippy::print_stdout)]

#[cfg(unix)]
mod measured;

#[cfg(unix)]
fn main() {
    compared::main();
}

/// Times and memory of other processes are read as Unix counts them.
#[cfg(not(unix))]
fn main() {
    println!("this bench needs a Unix");
}

#[cfg(unix)]
mod compared {
    use std::ffi::OsString;
    use std::path::{Path, PathBuf};

    use super::measured::{self, Taken};

    pub(super) fn main() {
        if measured::as_asked() {
            return;
        }
        let recordings = std::env::var_os("PEERS_RECORDINGS").unwrap_or_default();
        let recordings: Vec<PathBuf> = std::env::split_paths(&recordings).filter(|path| path.is_file()).collect();
        if recordings.is_empty() {
            println!("PEERS_RECORDINGS names no file: nothing to compare");
            return;
        }
        let heads = ["user s", "system s", "wall s", "largest MB"];
        println!("{:<44} {:>10} {:>10} {:>10} {:>10}", "", heads[0], heads[1], heads[2], heads[3]);
        recordings.iter().for_each(|path| compare(path));
    }

    fn compare(recording: &Path) {
        // Both find the file in memory.
        let octets = std::fs::read(recording).expect("a recording").len();
        let name = recording.file_name().unwrap_or_default().to_string_lossy();
        println!("{name}, {} MB", octets / 1_000_000);
        let own = vec![env!("CARGO_BIN_EXE_authtrail").into(), "diagnose".into(), recording.into()];
        let ways = [("authtrail diagnose", Some(own)), peer(recording)];
        let mut best = [None; 2];
        let rounds = std::env::var("PEERS_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(3);
        for _ in 0..rounds {
            for ((_, command), best) in ways.iter().zip(&mut best) {
                let Some(command) = command else { continue };
                let taken = measured::run(command, None);
                // 127 and 126: it is not there, or cannot be run.
                assert!(![126, 127].contains(&taken.status), "{command:?}: it does not run");
                let is_less = best.is_none_or(|best| cost(&taken) < cost(&best));
                *best = if is_less { Some(taken) } else { *best };
            }
        }
        for ((name, _), taken) in ways.iter().zip(best) {
            let Some(Taken { user, system, wall, peak, .. }) = taken else { continue };
            println!("  {name:<42} {user:>10.2} {system:>10.2} {wall:>10.2} {:>10.0}", peak / 1e6);
        }
        if let [Some(own), Some(other)] = best {
            println!(
                "  {:.1} times the user time, {:.1} times the processor time of authtrail, {:.2} times its memory",
                other.user / own.user,
                cost(&other) / cost(&own),
                other.peak / own.peak
            );
        }
    }

    /// Processor time in all.
    fn cost(taken: &Taken) -> f64 {
        taken.user + taken.system
    }

    /// What somebody else would run for this file.
    fn peer(recording: &Path) -> (&'static str, Option<Vec<OsString>>) {
        if recording.extension().is_some_and(|end| end == "har") {
            let command = |program| vec![program, recording.into(), "diagnose".into()];
            return ("wiretrail FILE diagnose", std::env::var_os("WIRETRAIL").map(command));
        }
        let asked = ["http.request.method", "http.request.uri", "http.response.code"];
        let asked = asked.iter().flat_map(|field| ["-e", *field]);
        let arguments = ["-Y", "http", "-T", "fields"].into_iter().chain(asked).map(OsString::from);
        let command = |program| [program, "-r".into(), recording.into()].into_iter().chain(arguments).collect();
        ("tshark -r FILE -Y http -T fields -e ...", std::env::var_os("TSHARK").map(command))
    }
}
