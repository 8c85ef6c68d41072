//! Conversations in files beside the exchanges that they are, and what holds for all of them.

mod bounds;
mod frames;
mod shown;
mod transcript;

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::Value;

use crate::capture::limits::Limits;
use crate::decode::packets::stream::{Content, Side};
use transcript::{Transcript, octets, read};

fn cases() -> Vec<(PathBuf, Transcript)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/http");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    let case = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        (path, Transcript::parse(&text))
    };
    paths.into_iter().map(case).collect()
}

/// Without the number of pieces in which a body came.
fn without_marks(mut value: Value) -> Value {
    match &mut value {
        Value::Object(object) if object.contains_key("octets and frames") => return object["text"].take(),
        Value::Object(object) => object.values_mut().for_each(|value| *value = without_marks(value.take())),
        Value::Array(array) => array.iter_mut().for_each(|value| *value = without_marks(value.take())),
        _ => {}
    }
    value
}

#[test]
fn every_conversation_gives_its_exchanges() {
    let mut wrong = Vec::new();
    for (path, transcript) in cases() {
        let expected = path.with_extension("exchanges.json");
        let actual = serde_json::to_string_pretty(&shown::found(&transcript.read())).unwrap() + "\n";
        if std::env::var_os("AUTHTRAIL_UPDATE_EXPECTED").is_some() {
            std::fs::write(&expected, actual).unwrap();
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != actual {
            wrong.push(format!("{}: expected something else than\n{actual}", expected.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn octet_by_octet_is_the_same() {
    for (path, transcript) in cases() {
        let whole = without_marks(shown::found(&transcript.read()));
        let split = read(&transcript.facts, transcript.split(|_| 1), &Limits::default());
        assert_eq!(without_marks(shown::found(&split)), whole, "{}", path.display());
    }
}

proptest! {
    #[test]
    fn any_split_is_the_same(sizes in prop::collection::vec(1usize..40, 1..20)) {
        for (path, transcript) in cases() {
            let whole = without_marks(shown::found(&transcript.read()));
            let split = transcript.split(|index| sizes[index % sizes.len()]);
            let split = read(&transcript.facts, split, &Limits::default());
            prop_assert_eq!(without_marks(shown::found(&split)), whole, "{}", path.display());
        }
    }

    /// Parts of real conversations in any order, with gaps and ends between them, and octets of any kind.
    #[test]
    fn hostile_conversations_end(
        parts in prop::collection::vec((any::<bool>(), 0usize..6, any::<u16>(), prop::collection::vec(any::<u8>(), 0..40)), 0..60),
        mid_stream in any::<bool>(),
    ) {
        let cases = cases();
        let mut hostile = Transcript::default();
        hostile.facts.mid_stream = mid_stream;
        for (client, kind, choice, random) in parts {
            let side = if client { Side::Client } else { Side::Server };
            let choice = usize::from(choice);
            match kind {
                0 => hostile.add(side, Content::Gap((choice % 3 > 0).then_some(choice as u64 % 50))),
                1 => hostile.add(side, Content::Data(octets(&random))),
                2 if choice % 4 == 0 => hostile.add(side, Content::End { by_reset: choice % 8 == 0 }),
                _ => {
                    let (_, transcript) = &cases[choice % cases.len()];
                    let chunks: Vec<_> = transcript.chunks.iter().filter(|chunk| chunk.side == side).collect();
                    if let Some(Content::Data(data)) = chunks.get(choice % chunks.len().max(1)).map(|chunk| &chunk.content) {
                        let start = choice % data.len();
                        hostile.add(side, Content::Data(if choice % 3 == 0 { data.slice(start..) } else { data.clone() }));
                    }
                }
            }
        }
        let whole = without_marks(shown::found(&hostile.read()));
        let split = read(&hostile.facts, hostile.split(|index| index % 7 + 1), &Limits::default());
        prop_assert_eq!(without_marks(shown::found(&split)), whole);
    }
}
