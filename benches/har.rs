//! HAR files: reading them, and the whole way to the report.
//!
//! The input is made here: an incident from the stories among pages that have nothing to do with it, as browsers
//! record them.

use std::path::Path;

use authtrail::check::rule_set::RuleSet;
use authtrail::decode::{ReadOptions, read_content};
use authtrail::evidence::CaptureId;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const STORY: &str = include_str!("../samples/stories/token-never-attached/client.har");

/// The story among `noise` other entries.
fn recording(noise: usize) -> String {
    let entry = |at: usize| {
        format!(
            r#"{{"startedDateTime":"2026-11-20T10:00:{:02}.{:03}Z","time":12.5,"request":{{"method":"GET","url":"https://static.example.test/asset/{at}.js","httpVersion":"HTTP/1.1","headers":[{{"name":"Accept","value":"*/*"}},{{"name":"User-Agent","value":"Mozilla/5.0"}}],"headersSize":-1,"bodySize":0}},"response":{{"status":200,"statusText":"OK","httpVersion":"HTTP/1.1","headers":[{{"name":"Content-Type","value":"text/javascript"}}],"content":{{"size":400,"mimeType":"text/javascript","text":"{}"}},"headersSize":-1,"bodySize":400}},"cache":{{}},"timings":{{"send":1,"wait":10,"receive":1.5}}}},"#,
            at / 1000 % 60,
            at % 1000,
            "x".repeat(400)
        )
    };
    let noise: String = (0..noise).map(entry).collect();
    STORY.replacen("\"entries\": [", &format!("\"entries\": [{noise}"), 1)
}

fn har(criterion: &mut Criterion) {
    let text = bytes::Bytes::from(recording(10_000));
    let options = ReadOptions::default();
    let mut group = criterion.benchmark_group("har");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("read", |bencher| {
        bencher.iter(|| read_content(Path::new("bench.har"), CaptureId(0), text.clone(), &options));
    });
    group.finish();
}

fn diagnose(criterion: &mut Criterion) {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), recording(10_000)).expect("room for it");
    let rules = RuleSet::embedded().expect("the built-in rules load");
    let options = authtrail::Options::new(rules);
    let paths = [file.path().to_owned()];
    criterion.bench_function("har/diagnose", |bencher| bencher.iter(|| authtrail::diagnose(&paths, &options)));
}

criterion_group!(benches, har, diagnose);
criterion_main!(benches);
