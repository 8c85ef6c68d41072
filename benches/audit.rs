//! Many recordings: `authtrail audit` on one thread and on two, and beside it, in the same run, what else a team could run
//! over the same files: wiretrail over the HAR files, tshark over the packet captures, two at a time, where `WIRETRAIL` and
//! `TSHARK` name their programs.
//!
//! `cargo bench --bench audit`; it prints a table and ratios, and fails only where a program does not run. The recordings
//! are those of the folder that `AUDIT_CORPUS` names, otherwise the labelled samples, copied until there are a thousand.
//! `AUDIT_ROUNDS` is how often each way is tried, one after another; the quickest counts.

// A bench speaks on the terminal.
#![allow(clippy::print_stdout)]

#[cfg(unix)]
mod measured;

#[cfg(unix)]
fn main() {
    audited::main();
}

/// Times and memory of other processes are read as Unix counts them.
#[cfg(not(unix))]
fn main() {
    println!("this bench needs a Unix");
}

#[cfg(unix)]
mod audited {
    use std::ffi::{OsStr, OsString};
    use std::path::{Path, PathBuf};

    use authtrail::audit::{Grouping, find};

    use super::measured::{self, Taken};

    /// Recordings, where the samples are copied.
    const RECORDINGS: usize = 1000;

    pub(super) fn main() {
        if !measured::as_asked() {
            compare();
        }
    }

    /// The files that a way gets.
    struct Files {
        count: usize,
        octets: u64,
        /// Lists of them: one a line, and with NUL after each.
        lines: PathBuf,
        zeros: PathBuf,
    }

    impl Files {
        fn new(folder: &Path, name: &str, paths: &[&PathBuf]) -> Files {
            let list =
                |end: u8| paths.iter().flat_map(move |path| [path.as_os_str().as_encoded_bytes(), &[end]].concat());
            let (lines, zeros) = (folder.join(format!("{name}.lines")), folder.join(format!("{name}.zeros")));
            std::fs::write(&lines, list(b'\n').collect::<Vec<u8>>()).expect("room for a list");
            std::fs::write(&zeros, list(0).collect::<Vec<u8>>()).expect("room for a list");
            let octets = paths.iter().map(|path| path.metadata().expect("a file").len()).sum();
            Files { count: paths.len(), octets, lines, zeros }
        }
    }

    /// One way through some files, and what its quickest run took.
    struct Way<'a> {
        name: String,
        files: &'a Files,
        command: Vec<OsString>,
        input: &'a Path,
        out: Option<PathBuf>,
        best: Option<Taken>,
    }

    impl<'a> Way<'a> {
        fn audit(files: &'a Files, name: &str, threads: usize, folder: &Path) -> Way<'a> {
            let (out, count) = (folder.join("out"), threads.to_string());
            let command = [env!("CARGO_BIN_EXE_authtrail"), "audit", "-", "--quiet", "--threads", &count, "-o"];
            let command = command.iter().map(OsString::from).chain([out.clone().into_os_string()]).collect();
            let name = format!("authtrail, {name}, {threads} thread{}", if threads == 1 { "" } else { "s" });
            Way { name, files, command, input: &files.lines, out: Some(out), best: None }
        }

        /// A program run once for each file, two at a time.
        fn each(files: &'a Files, name: &str, program: &OsStr, arguments: &[&str]) -> Way<'a> {
            let command = ["xargs", "-0", "-P", "2", "-I", "{}"].iter().map(OsString::from);
            let command = command.chain([program.to_owned()]).chain(arguments.iter().map(OsString::from)).collect();
            Way { name: name.to_owned(), files, command, input: &files.zeros, out: None, best: None }
        }

        fn run(&mut self) {
            let taken = measured::run(&self.command, Some(self.input));
            // 126 and 127 are of xargs: what it was to run does not run.
            assert!(![126, 127].contains(&taken.status), "{}: it does not run", self.name);
            if let Some(out) = self.out.as_ref() {
                assert!(out.join("summary.json").exists(), "{}: exit status {}", self.name, taken.status);
                std::fs::remove_dir_all(out).expect("its own folder");
            }
            self.best = Some(self.best.filter(|best| best.wall < taken.wall).unwrap_or(taken));
        }

        fn print(&self) {
            let Some(Taken { wall, user, system, peak, .. }) = self.best else { return };
            let (files, megabytes) = (self.files.count as f64 / wall, self.files.octets as f64 / 1e6 / wall);
            println!(
                "{:<34} {:>6} {wall:>9.2} {user:>9.2} {system:>9.2} {files:>9.0} {megabytes:>9.1} {:>9.1}",
                self.name,
                self.files.count,
                peak / 1e6
            );
        }
    }

    fn compare() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let recordings = recordings(folder.path());
        let ends =
            |path: &Path, known: &[&str]| path.extension().is_some_and(|end| known.iter().any(|one| end == *one));
        let only = |known: &[&str]| recordings.iter().filter(|path| ends(path, known)).collect::<Vec<_>>();
        let all = Files::new(folder.path(), "all", &recordings.iter().collect::<Vec<_>>());
        let hars = Files::new(folder.path(), "hars", &only(&["har"]));
        let captures = Files::new(folder.path(), "captures", &only(&["pcap", "pcapng"]));
        // Every way finds the files in memory.
        recordings.iter().for_each(|path| drop(std::fs::read(path).expect("a recording")));

        let audit = |files, name: &str, threads| Way::audit(files, name, threads, folder.path());
        let mut ways = vec![audit(&all, "all", 1), audit(&all, "all", 2)];
        let wiretrail = std::env::var_os("WIRETRAIL").map(|program| {
            ways.push(audit(&hars, "HAR files", 2));
            ways.push(Way::each(&hars, "wiretrail FILE diagnose", &program, &["{}", "diagnose"]));
            ways.len() - 1
        });
        let tshark = std::env::var_os("TSHARK").map(|program| {
            ways.push(audit(&captures, "captures", 2));
            let fields = ["http.request.method", "http.host", "http.request.uri", "http.response.code"];
            let asked = fields.iter().flat_map(|field| ["-e", *field]);
            let arguments: Vec<&str> = ["-r", "{}", "-Y", "http", "-T", "fields"].into_iter().chain(asked).collect();
            ways.push(Way::each(&captures, "tshark -r FILE -Y http -T fields", &program, &arguments));
            ways.len() - 1
        });
        let rounds = std::env::var("AUDIT_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1);
        (0..rounds).for_each(|_| ways.iter_mut().for_each(Way::run));

        for [files, wall, user, system, speed, octets, peak] in
            [["files", "wall", "user", "system", "files", "MB", "largest"], ["", "s", "s", "s", "per s", "per s", "MB"]]
        {
            println!("{:<34} {files:>6} {wall:>9} {user:>9} {system:>9} {speed:>9} {octets:>9} {peak:>9}", "");
        }
        ways.iter().for_each(Way::print);
        ratios(&ways, wiretrail, tshark);
    }

    fn ratios(ways: &[Way<'_>], wiretrail: Option<usize>, tshark: Option<usize>) {
        let best = |at: usize| ways[at].best.expect("every way was tried");
        let (one, two) = (best(0), best(1));
        println!(
            "\ntwo threads: {:.2} times as fast, {:.2} of the user time",
            one.wall / two.wall,
            two.user / one.user
        );
        for (name, at) in [("wiretrail", wiretrail), ("tshark", tshark)] {
            // The way before it is authtrail on the same files.
            let Some((other, own)) = at.map(|at| (best(at), best(at - 1))) else { continue };
            println!(
                "{name}: {:.1} times the wall time, {:.1} times the user time, {:.2} times the memory of authtrail",
                other.wall / own.wall,
                other.user / own.user,
                other.peak / own.peak
            );
        }
        if let (Some(wiretrail), Some(tshark)) = (wiretrail.map(best), tshark.map(best)) {
            let (wall, user) = (wiretrail.wall + tshark.wall, wiretrail.user + tshark.user);
            println!(
                "together: {:.1} times the wall time, {:.1} times the user time",
                wall / two.wall,
                user / two.user
            );
        }
    }

    /// The recordings of the corpus.
    fn recordings(folder: &Path) -> Vec<PathBuf> {
        if let Some(corpus) = std::env::var_os("AUDIT_CORPUS") {
            return found(Path::new(&corpus));
        }
        let samples = found(&Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/labelled"));
        let copied = samples.iter().cycle().take(RECORDINGS).enumerate().map(|(number, sample)| {
            let extension = sample.extension().unwrap_or_default().to_string_lossy();
            let copy = folder.join(format!("{number:04}.{extension}"));
            std::fs::copy(sample, &copy).expect("room for it");
            copy
        });
        copied.collect()
    }

    fn found(folder: &Path) -> Vec<PathBuf> {
        let found = find(&[folder.to_owned()], Grouping::Alone, None, std::io::empty()).expect("no list to read");
        found.jobs.into_iter().flat_map(|job| job.paths).collect()
    }
}
