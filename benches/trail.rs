//! Putting trails together: one client, one login, and very many exchanges after it.

mod recording;

use std::path::Path;

use authtrail::capture::limits::Limits;
use authtrail::decode::{ReadOptions, read_content};
use authtrail::evidence::CaptureId;
use authtrail::trail::{BuildOptions, build};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
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

criterion_group!(benches, trail);
criterion_main!(benches);
