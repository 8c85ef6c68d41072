//! What `trail` reads from recordings has the shape that `check` compares by.

use std::collections::BTreeSet;
use std::path::PathBuf;

use authtrail::trail::record::{Record, State, Value};
use authtrail::trail::shape::Shape;

use crate::run::samples;

/// The recordings of all incidents, and those beside the rule pages.
fn recordings() -> Vec<PathBuf> {
    let folders = ["labelled", "stories", "../rules"].into_iter().flat_map(samples);
    let files = folders.flat_map(|folder| std::fs::read_dir(folder).expect("a readable folder"));
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("a readable file").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "har"));
    files.sort();
    files
}

fn fits(shape: Shape, value: &Value) -> bool {
    matches!(
        (shape, value),
        (Shape::Any, _)
            | (Shape::Text, Value::Text(_))
            | (Shape::List, Value::List(_))
            | (Shape::Flag, Value::Flag(_))
            | (Shape::Number(_), Value::Number(_))
    )
}

/// What is wrong with the fields of a record.
fn misfits(record: &Record) -> Vec<String> {
    let mut wrong = Vec::new();
    for slot in &record.slots {
        let State::Present(value) = &slot.state else { continue };
        let (kind, field) = (record.kind, slot.field);
        if !fits(field.shape(), value) {
            wrong.push(format!("{kind}.{field} is {}, found {value:?}", field.shape().describe()));
        }
        if let (Some(words), Value::Text(text)) = (field.vocabulary(), value)
            && !words.contains(&&**text)
        {
            wrong.push(format!("{kind}.{field} is one of {words:?}, found {text}"));
        }
    }
    wrong
}

#[test]
fn values_have_the_shape_of_their_field() {
    let (mut wrong, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for file in recordings() {
        let listing = authtrail::list(&[file], &authtrail::decode::ReadOptions::default(), None);
        for record in listing.incident.trails.iter().flat_map(|trail| &trail.records) {
            seen.insert(record.kind);
            wrong.extend(misfits(record));
        }
    }
    assert!(seen.len() > 5, "{seen:?}");
    assert!(wrong.is_empty(), "{}", wrong.into_iter().collect::<Vec<_>>().join("\n"));
}
