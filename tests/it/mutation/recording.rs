//! A satisfied recording, and the same with one thing broken.

use std::path::Path;

use authtrail::check::language::Page;
use authtrail::decode::exchange::Connection;
use authtrail::decode::{CaptureFacts, ReadOptions, read_content};
use authtrail::evidence::{At, CaptureId};
use authtrail::trail::{BuildOptions, Incident, build};
use serde_json::{Value, json};

use super::breaks::{Break, Change};
use super::{converted, message};
use crate::run::text;
use crate::walk::folder;

/// The entries of a HAR.
pub(super) struct Recording {
    head: String,
    entries: Vec<Value>,
    /// Each entry as it is written, so that a break costs one of them.
    written: Vec<String>,
    trees: Vec<Value>,
    /// What only the other format tells, where it is one: of the recording, and of the connection of each entry.
    beyond: Option<(CaptureFacts, Vec<Connection>)>,
}

impl Recording {
    /// The satisfied recording of a page; of another format than HAR, the exchanges in it.
    pub(super) fn beside(page: &Page) -> Recording {
        let beside = folder("rules").join(page.link.name());
        let named = |extension: &str| beside.join(format!("{}.satisfied.{extension}", page.slug));
        let path = ["har", "pcap", "pcapng"].map(named).into_iter().find(|path| path.exists());
        let path = path.unwrap_or_else(|| panic!("{}: no satisfied recording that can be broken", page.slug));
        let content = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let is_har = path.extension().is_some_and(|extension| extension == "har");
        let (mut log, beyond) = if is_har { (of_har(&content), None) } else { of_other(&path, content) };
        let entries = log["entries"].as_array().cloned().expect("entries");
        log.as_object_mut().expect("a log").remove("entries");
        let head = log.to_string().strip_suffix('}').expect("an object").to_owned();
        let trees = entries.iter().map(message::open).collect();
        let written = entries.iter().map(Value::to_string).collect();
        Recording { head, entries, written, trees, beyond }
    }

    /// Every entry as a tree.
    pub(super) fn trees(&self) -> &[Value] {
        &self.trees
    }

    /// The number of each entry.
    pub(super) fn numbers(&self) -> Vec<u32> {
        (0..).take(self.entries.len()).collect()
    }

    /// What the recording says.
    pub(super) fn unbroken(&self) -> Incident {
        self.read(&self.written, &self.numbers())
    }

    /// What the recording says with one thing broken, and which entry of the unbroken one each of its entries is; `None`
    /// where nothing can be changed there.
    pub(super) fn broken(&self, broken: &Break) -> Option<(Incident, Vec<u32>)> {
        let (texts, numbers): (Vec<String>, Vec<u32>) = self.apply(broken)?.into_iter().unzip();
        Some((self.read(&texts, &numbers), numbers))
    }

    fn read(&self, entries: &[String], numbers: &[u32]) -> Incident {
        let har = format!("{{\"log\":{},\"entries\":[{}]}}}}", self.head, entries.join(","));
        let options = ReadOptions::default();
        let (mut facts, mut exchanges) = read_content(Path::new("broken.har"), CaptureId(0), har.into(), &options);
        if let Some((of_other, connections)) = &self.beyond {
            facts = of_other.clone();
            for exchange in &mut exchanges {
                let At::Entry(entry) = exchange.at else { panic!("no entry: {:?}", exchange.at) };
                exchange.connection = connections[numbers[entry as usize] as usize].clone();
            }
        }
        build(exchanges, &[facts], &BuildOptions::default())
    }

    /// The entries with one thing broken, each with the number that it had.
    fn apply(&self, broken: &Break) -> Option<Vec<(String, u32)>> {
        let at = broken.entry;
        let mut entries: Vec<(String, u32)> = self.written.iter().cloned().zip(0..).collect();
        match &broken.change {
            Change::Remove => {
                entries.remove(at);
            }
            Change::Repeat { at_end, times, with } => {
                let (like, later) = if *at_end { (self.entries.last()?, 5) } else { (&self.entries[at], 0) };
                let mut tree = self.trees[at].clone();
                if let Some((pointer, value)) = with {
                    put(&mut tree, pointer, value.clone())?;
                }
                for nth in 1..=*times {
                    let mut again = message::close(&tree, &self.entries[at]);
                    let micros = 2_000 * nth as i64;
                    again["startedDateTime"] = later_by(text(like, "/startedDateTime"), later, micros)?.into();
                    let place = if *at_end { entries.len() } else { at + 1 };
                    entries.insert(place, (again.to_string(), at as u32));
                }
            }
            Change::Swap => {
                let mut pair = [self.entries[at].clone(), self.entries.get(at + 1)?.clone()];
                let times = pair.each_ref().map(|entry| entry["startedDateTime"].clone());
                for (place, (entry, time)) in pair.iter_mut().zip(times.into_iter().rev()).enumerate() {
                    entry["startedDateTime"] = time;
                    entries[at + place].0 = entry.to_string();
                }
                entries.swap(at, at + 1);
            }
            Change::AnswerOf(other) => {
                let mut entry = self.entries[at].clone();
                entry["response"] = self.entries[*other]["response"].clone();
                entries[at].0 = entry.to_string();
            }
            Change::Everywhere(old, new) => {
                entries.iter_mut().for_each(|(entry, _)| *entry = entry.replace(old, new));
            }
            Change::Shift { seconds, with_rest } => {
                let count = if *with_rest { entries.len() } else { 1 };
                for ((written, _), entry) in entries.iter_mut().zip(&self.entries).skip(at).take(count) {
                    let mut moved = entry.clone();
                    moved["startedDateTime"] = later_by(text(entry, "/startedDateTime"), *seconds, 0)?.into();
                    *written = moved.to_string();
                }
            }
            Change::Delay { seconds } => {
                let mut entry = self.entries[at].clone();
                let longer = *seconds as f64 * 1000.0;
                entry["time"] = (entry["time"].as_f64()? + longer).into();
                entry["timings"]["wait"] = (entry["timings"]["wait"].as_f64()? + longer).into();
                entries[at].0 = entry.to_string();
            }
            Change::Put(pointer, value) => {
                let mut tree = self.trees[at].clone();
                put(&mut tree, pointer, value.clone())?;
                entries[at].0 = message::close(&tree, &self.entries[at]).to_string();
            }
            Change::Drop(pointer) => {
                let mut tree = self.trees[at].clone();
                drop_at(&mut tree, pointer)?;
                entries[at].0 = message::close(&tree, &self.entries[at]).to_string();
            }
        }
        Some(entries)
    }
}

fn of_har(content: &[u8]) -> Value {
    let mut har: Value = serde_json::from_slice(content).expect("a HAR");
    har["log"].take()
}

/// Under the name of a recorder that leaves nothing out, as the recording of packets does not.
fn of_other(path: &Path, content: Vec<u8>) -> (Value, Option<(CaptureFacts, Vec<Connection>)>) {
    let (facts, exchanges) = read_content(path, CaptureId(0), content.into(), &ReadOptions::default());
    let entries: Vec<Value> = exchanges.iter().map(converted::entry).collect();
    let log = json!({ "version": "1.2", "creator": { "name": "mitmproxy", "version": "11.0.2" }, "entries": entries });
    (log, Some((facts, exchanges.into_iter().map(|exchange| exchange.connection).collect())))
}

/// A time of a HAR, later by so many seconds and microseconds.
fn later_by(time: &str, seconds: i64, micros: i64) -> Option<String> {
    let time: jiff::Timestamp = time.parse().ok()?;
    let later = jiff::Timestamp::from_microsecond(time.as_microsecond() + seconds * 1_000_000 + micros).ok()?;
    Some(format!("{later:.6}"))
}

fn put(tree: &mut Value, pointer: &str, value: Value) -> Option<()> {
    if let Some(place) = tree.pointer_mut(pointer) {
        *place = value;
        return Some(());
    }
    let (parent, name) = pointer.rsplit_once('/')?;
    if tree.pointer(parent).is_none() {
        put(tree, parent, Value::Object(Default::default()))?;
    }
    let name = name.replace("~1", "/").replace("~0", "~");
    tree.pointer_mut(parent)?.as_object_mut()?.insert(name, value);
    Some(())
}

fn drop_at(tree: &mut Value, pointer: &str) -> Option<()> {
    let (parent, name) = pointer.rsplit_once('/')?;
    match tree.pointer_mut(parent)? {
        Value::Object(members) => {
            let name = name.replace("~1", "/").replace("~0", "~");
            // A message always has a method, a status, and a place for its headers and its body.
            match members.get_mut(&name)? {
                place if parent.matches('/').count() == 1 => *place = Value::Null,
                _ => drop(members.shift_remove(&name)),
            }
        }
        Value::Array(items) => {
            let at: usize = name.parse().ok()?;
            items.get(at)?;
            items.remove(at);
        }
        _ => return None,
    }
    Some(())
}
