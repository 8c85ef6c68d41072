//! Putting trails together: one client, one login, and very many exchanges after it; and a client that logs in again and
//! again, up to the verdict: the same number of exchanges in a second, however many there are.

mod recording;

use std::io::Write;
use std::path::Path;

use authtrail::capture::limits::Limits;
use authtrail::check::rule_set::RuleSet;
use authtrail::decode::{ReadOptions, read_content};
use authtrail::evidence::CaptureId;
use authtrail::trail::{BuildOptions, build};
use authtrail::{Options, diagnose};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use recording::recording;

const EXCHANGES: usize = 10_000;

fn trail(criterion: &mut Criterion) {
    let text = bytes::Bytes::from(recording(EXCHANGES));
    let read_options = ReadOptions::default();
    let (facts, exchanges) = read_content(Path::new("bench.har"), CaptureId(0), text, &read_options);
    let captures = [facts];
    let options = BuildOptions { limits: Limits::default(), ..BuildOptions::default() };
    let incident = build(exchanges.clone(), &captures, &options);
    assert_eq!(incident.trails.len(), 1, "one client at one server");
    let mut group = criterion.benchmark_group("trail");
    group.sample_size(10);
    group.bench_function("build", |bencher| {
        bencher.iter_batched(
            || exchanges.clone(),
            |exchanges| build(exchanges, &captures, &options),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

/// The recording of a login that is lost, again and again until there are about so many entries.
fn again_and_again(entries: usize) -> String {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/stories/token-never-attached/client.har");
    let text = std::fs::read_to_string(sample).expect("the sample is there");
    let mut har: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    let list = har.pointer_mut("/log/entries").and_then(serde_json::Value::as_array_mut).expect("it is a HAR");
    *list = list.iter().cycle().take(entries).cloned().collect();
    har.to_string()
}

fn logins(criterion: &mut Criterion) {
    let rules = RuleSet::embedded().expect("the built-in rules are right");
    let mut group = criterion.benchmark_group("logins");
    group.sample_size(10);
    for entries in [2_000, 8_000, 32_000] {
        let mut file = tempfile::NamedTempFile::with_suffix(".har").expect("a file for the recording");
        file.write_all(again_and_again(entries).as_bytes()).expect("it can be written");
        let paths = [file.path().to_owned()];
        let report = diagnose(&paths, &Options::new(rules));
        assert!(report.trails.iter().any(|trail| trail.cause.is_some()), "the loss has a cause");
        group.throughput(Throughput::Elements(entries as u64));
        group.bench_function(BenchmarkId::from_parameter(entries), |bencher| {
            bencher.iter(|| diagnose(&paths, &Options::new(rules)));
        });
    }
    group.finish();
}

criterion_group!(benches, trail, logins);
criterion_main!(benches);
