//! Finds recordings: files, folders, globs, lists. Opens none of them, apart from a look at the beginning of files in folders
//! whose names do not tell what they are.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::decode;

/// Which recordings make one incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grouping {
    /// Each is one alone.
    #[default]
    Alone,
    /// All that lie in the same folder are one.
    Folder,
}

/// The recordings of one incident, not yet opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Their paths, sorted.
    pub paths: Vec<PathBuf>,
    /// Octets of all of them as stored; 0 for what cannot be opened.
    pub bytes: u64,
    /// Key logs that lie beside them.
    pub keylogs: Vec<PathBuf>,
}

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The incidents, in order of path.
    pub jobs: Vec<Job>,
    /// Files in folders that are no recordings.
    pub other_files: u64,
    /// Key logs in folders.
    pub keylogs: u64,
    /// Folders that could not be listed, and why.
    pub unlisted: Vec<String>,
}

/// Names of files that are recordings, whatever their content: damaged ones have to be told. Compression on top is looked
/// through.
const EXTENSIONS: [&str; 13] =
    ["har", "zhar", "pcap", "pcapng", "cap", "dump", "flow", "flows", "mitm", "mitmproxy", "saz", "warc", "netlog"];
const COMPRESSIONS: [&str; 5] = ["gz", "zst", "br", "lz4", "xz"];

/// Texts of curl and raw HTTP look like much else: in folders they are taken under these names only.
const TEXTS: [&str; 5] = ["txt", "log", "trace", "http", "out"];

/// Octets of a file that are looked at.
const BEGINNING: u64 = 64 << 10;

/// Finds the recordings at `paths`: files, folders with all that is in them, globs, and `-` for a list of such on
/// `standard_input`, one a line. `except` is a folder that is left out: where the output goes.
///
/// Hidden files and folders are passed over, links to folders are not followed. What is named and is not there is a
/// recording that cannot be opened.
pub fn find(
    paths: &[PathBuf],
    grouping: Grouping,
    except: Option<&Path>,
    standard_input: impl BufRead,
) -> std::io::Result<Found> {
    let mut walk = Walk { except: except.and_then(|folder| folder.canonicalize().ok()), ..Walk::default() };
    let mut standard_input = Some(standard_input);
    for path in paths {
        if path != Path::new("-") {
            walk.add(path);
        } else if let Some(list) = standard_input.take() {
            for line in list.split(b'\n') {
                if let Some(path) = listed(&line?) {
                    walk.add(&path);
                }
            }
        }
    }
    Ok(walk.finish(grouping))
}

/// The path on a line of a list; `None` for an empty line.
pub(super) fn listed(line: &[u8]) -> Option<PathBuf> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        return None;
    }
    #[cfg(unix)]
    let path = PathBuf::from(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(line));
    #[cfg(not(unix))]
    let path = PathBuf::from(String::from_utf8_lossy(line).into_owned());
    Some(path)
}

#[derive(Default)]
struct Walk {
    except: Option<PathBuf>,
    /// Named by the user, or by name a recording.
    certain: Vec<PathBuf>,
    /// Files in folders of which the content has to tell.
    doubtful: Vec<PathBuf>,
    unlisted: Vec<String>,
    keylogs: u64,
}

impl Walk {
    fn add(&mut self, path: &Path) {
        if path.is_dir() {
            return self.folder(path);
        }
        let pattern = path.to_str().filter(|text| text.contains(['*', '?', '[']) && !path.exists());
        let found: Vec<PathBuf> = pattern
            .and_then(|pattern| glob::glob(pattern).ok())
            .map(|paths| paths.filter_map(Result::ok).collect())
            .unwrap_or_default();
        if found.is_empty() {
            self.certain.push(path.to_owned());
        }
        for path in found {
            if path.is_dir() {
                self.folder(&path);
            } else {
                self.certain.push(path);
            }
        }
    }

    fn folder(&mut self, folder: &Path) {
        let is_hidden = |entry: &walkdir::DirEntry| {
            entry.depth() > 0 && entry.file_name().as_encoded_bytes().first() == Some(&b'.')
        };
        let except = self.except.clone();
        let is_output = |entry: &walkdir::DirEntry| {
            except.is_some() && entry.file_type().is_dir() && entry.path().canonicalize().ok() == except
        };
        for entry in walkdir::WalkDir::new(folder).into_iter().filter_entry(|e| !is_hidden(e) && !is_output(e)) {
            match entry {
                Ok(entry) if !entry.path().is_file() => {}
                Ok(entry) if is_keylog(entry.path()) => self.keylogs += 1,
                Ok(entry) if has_extension(entry.path(), &EXTENSIONS) => self.certain.push(entry.into_path()),
                Ok(entry) => self.doubtful.push(entry.into_path()),
                Err(error) => self.unlisted.push(error.to_string()),
            }
        }
    }

    fn finish(self, grouping: Grouping) -> Found {
        let Walk { mut certain, doubtful, unlisted, keylogs, .. } = self;
        let looked_at = doubtful.len();
        let recordings: Vec<PathBuf> = doubtful.into_par_iter().filter(|path| looks_like_recording(path)).collect();
        let other_files = (looked_at - recordings.len()) as u64;
        certain.extend(recordings);
        let mut seen = HashSet::new();
        certain.retain(|path| seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())));
        let mut beside = BTreeMap::new();
        let mut jobs = group(certain, grouping);
        for job in &mut jobs {
            job.bytes = job.paths.iter().filter_map(|path| path.metadata().ok()).map(|file| file.len()).sum();
            job.keylogs = keylogs_of(&job.paths, &mut beside);
        }
        Found { jobs, other_files, keylogs, unlisted }
    }
}

/// The incidents, in order of path.
fn group(mut paths: Vec<PathBuf>, grouping: Grouping) -> Vec<Job> {
    paths.sort();
    let alone = |path| Job { paths: vec![path], bytes: 0, keylogs: Vec::new() };
    if grouping == Grouping::Alone {
        return paths.into_iter().map(alone).collect();
    }
    let mut folders: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for path in paths {
        folders.entry(path.parent().unwrap_or(Path::new("")).to_owned()).or_default().push(path);
    }
    folders.into_values().map(|paths| Job { paths, bytes: 0, keylogs: Vec::new() }).collect()
}

fn has_extension(path: &Path, known: &[&str]) -> bool {
    let lower = |path: &Path| path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    match lower(path) {
        Some(extension) if COMPRESSIONS.contains(&&*extension) => {
            path.file_stem().and_then(|stem| lower(Path::new(stem))).is_some_and(|inner| known.contains(&&*inner))
        }
        Some(extension) => known.contains(&&*extension),
        None => false,
    }
}

/// Whether the beginning of a file in a folder is that of a recording.
fn looks_like_recording(path: &Path) -> bool {
    let mut beginning = Vec::new();
    let read = File::open(path).and_then(|file| file.take(BEGINNING).read_to_end(&mut beginning));
    let format = read.ok().and_then(|_| decode::format_of(&beginning));
    match format {
        Some("curl-trace" | "curl-verbose" | "http-text") => path.extension().is_none() || has_extension(path, &TEXTS),
        // Of an archive only its own readers know what is inside.
        Some(format) => format != "zip",
        None => false,
    }
}

/// Whether a file is a key log by its name: `sslkeys.log`, `keys.log`, `*.keylog`, ...
fn is_keylog(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    name.ends_with(".keylog")
        || matches!(
            &*name,
            "keys.log" | "sslkeys.log" | "sslkeylog.log" | "sslkeylogfile.log" | "sslkeylog.txt" | "sslkeylogfile.txt"
        )
}

/// The key logs beside recordings. One that is named after a recording (`login.pcap.keylog`, `login.keylog`) is for that
/// one; every other one is for all in its folder. `beside` remembers what lies in a folder.
fn keylogs_of(paths: &[PathBuf], beside: &mut BTreeMap<PathBuf, FolderKeys>) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for path in paths {
        let folder = path.parent().unwrap_or(Path::new(""));
        let keys = beside.entry(folder.to_owned()).or_insert_with(|| FolderKeys::of(folder));
        let own = [path.file_name(), path.file_stem()];
        let own = own.into_iter().flatten().filter_map(|name| keys.named.get(&*name.to_string_lossy()));
        found.extend(keys.shared.iter().chain(own).cloned());
    }
    found.sort();
    found.dedup();
    found
}

/// The key logs in one folder.
#[derive(Debug, Default)]
struct FolderKeys {
    /// For all recordings in it.
    shared: Vec<PathBuf>,
    /// By the name of the recording that they are for.
    named: BTreeMap<String, PathBuf>,
}

impl FolderKeys {
    fn of(folder: &Path) -> FolderKeys {
        let listed = if folder == Path::new("") { Path::new(".") } else { folder };
        let entries = std::fs::read_dir(listed).into_iter().flatten().filter_map(Result::ok);
        let names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        let stems: HashSet<&str> = names
            .iter()
            .filter(|name| !is_keylog(Path::new(name)))
            .flat_map(|name| [Some(name.as_str()), Path::new(name).file_stem().and_then(|stem| stem.to_str())])
            .flatten()
            .collect();
        let mut keys = FolderKeys::default();
        for name in names.iter().filter(|name| is_keylog(Path::new(name))) {
            match name.strip_suffix(".keylog").filter(|stem| stems.contains(stem)) {
                Some(stem) => _ = keys.named.insert(stem.to_owned(), folder.join(name)),
                None => keys.shared.push(folder.join(name)),
            }
        }
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HAR: &str = r#"{"log":{"version":"1.2","entries":[]}}"#;

    /// Makes files with these contents and says what is found, paths relative to the folder.
    fn check(files: &[(&str, &str)], grouping: Grouping, expected: &[(&[&str], &[&str])], others: (u64, u64)) {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        let found = find(&[folder.path().to_owned()], grouping, None, &b""[..]).unwrap();
        let short = |paths: &[PathBuf]| {
            let inner = paths.iter().map(|path| path.strip_prefix(folder.path()).unwrap());
            inner.map(|path| path.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let jobs: Vec<_> = found.jobs.iter().map(|job| (short(&job.paths), short(&job.keylogs))).collect();
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let expected: Vec<_> = expected.iter().map(|(paths, keys)| (owned(paths), owned(keys))).collect();
        assert_eq!(jobs, expected);
        assert_eq!((found.other_files, found.keylogs), others);
    }

    #[test]
    fn what_is_a_recording() {
        check(
            &[
                ("a/empty.har", ""),
                ("a/export.json", HAR),
                ("a/notes.md", "GET / HTTP/1.1\n"),
                ("a/request.txt", "GET / HTTP/1.1\nHost: a\n\n"),
                ("b/login.HAR.gz", "damaged"),
                ("b/.hidden/x.har", HAR),
                ("script.py", "print()"),
            ],
            Grouping::Alone,
            &[
                (&["a/empty.har"], &[]),
                (&["a/export.json"], &[]),
                (&["a/request.txt"], &[]),
                (&["b/login.HAR.gz"], &[]),
            ],
            (2, 0),
        );
    }

    #[test]
    fn key_logs_go_with_what_they_lie_beside() {
        check(
            &[("a/x.pcap", "1"), ("a/y.pcap", "2"), ("a/x.pcap.keylog", ""), ("a/sslkeys.log", ""), ("b/z.pcap", "3")],
            Grouping::Alone,
            &[
                (&["a/x.pcap"], &["a/sslkeys.log", "a/x.pcap.keylog"]),
                (&["a/y.pcap"], &["a/sslkeys.log"]),
                (&["b/z.pcap"], &[]),
            ],
            (0, 2),
        );
    }

    #[test]
    fn a_folder_is_an_incident_where_asked_for() {
        check(
            &[("a/x.har", HAR), ("a/y.pcap", "2"), ("b/z.har", HAR)],
            Grouping::Folder,
            &[(&["a/x.har", "a/y.pcap"], &[]), (&["b/z.har"], &[])],
            (0, 0),
        );
    }

    #[test]
    fn lists_globs_and_what_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.har", "b.har", "c.pcap"] {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        let at = |name: &str| folder.path().join(name);
        let list = format!("{}\r\n\n{}\n", at("c.pcap").display(), at("a.har").display());
        let paths = [at("*.har"), "-".into(), at("none.har"), at("a.har")];
        let found = find(&paths, Grouping::Alone, None, list.as_bytes()).unwrap();
        let expected: Vec<_> = ["a.har", "b.har", "c.pcap", "none.har"].map(|name| vec![at(name)]).into();
        assert_eq!(found.jobs.iter().map(|job| job.paths.clone()).collect::<Vec<_>>(), expected);
    }
}
