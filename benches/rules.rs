//! Judging: every page on ten thousand trails, and its share of a whole diagnosis.
//!
//! The trails are those of the recordings beside the pages, again and again, so every page has records to judge. The
//! trails without records show what a page costs where its kind of record does not occur. `shares` goes the way of
//! `diagnose` in its parts, on one large recording; `pages` may take a quarter of `whole`.

mod recording;

use std::path::Path;

use authtrail::check::judge::{judge, judge_trail};
use authtrail::check::rule_set::RuleSet;
use authtrail::decode::{ReadOptions, read_content};
use authtrail::evidence::CaptureId;
use authtrail::trail::{BuildOptions, Incident, Trail, build};
use authtrail::{Options, diagnose};
use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use recording::recording;

const TRAILS: usize = 10_000;
const EXCHANGES: usize = 10_000;

/// What a recording says.
fn incident(name: &str, content: impl Into<Bytes>) -> Incident {
    let (facts, exchanges) = read_content(Path::new(name), CaptureId(0), content.into(), &ReadOptions::default());
    build(exchanges, &[facts], &BuildOptions::default())
}

/// The trails of every recording beside a rule page.
fn trails() -> Vec<Trail> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let links = std::fs::read_dir(&folder).expect("rules/").flatten().filter(|entry| entry.path().is_dir());
    let files = links.flat_map(|link| std::fs::read_dir(link.path()).expect("a folder").flatten());
    let mut paths: Vec<_> = files.map(|file| file.path()).collect();
    paths.sort();
    let recordings = paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "har"));
    recordings.flat_map(|path| incident("sample.har", std::fs::read(path).expect("a recording")).trails).collect()
}

fn pages(criterion: &mut Criterion) {
    let rules = RuleSet::embedded().unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let trails = trails();
    let mut bare = self::trails();
    bare.iter_mut().for_each(|trail| trail.records.clear());
    let mut group = criterion.benchmark_group("pages");
    group.sample_size(10).throughput(Throughput::Elements(TRAILS as u64));
    for (name, trails) in [("10000_trails", &trails), ("10000_trails_without_records", &bare)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let all = trails.iter().cycle().take(TRAILS);
                all.map(|trail| judge_trail(rules, trail).len()).sum::<usize>()
            });
        });
    }
    group.finish();
}

fn shares(criterion: &mut Criterion) {
    let rules = RuleSet::embedded().unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let text = recording(EXCHANGES);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("large.har");
    std::fs::write(&path, &text).expect("a file");
    let large = incident("large.har", text);
    let mut group = criterion.benchmark_group("shares");
    group.sample_size(10);
    let whole = || diagnose(std::slice::from_ref(&path), &Options::new(rules));
    group.bench_function("whole", |bencher| bencher.iter_batched(|| (), |()| whole(), BatchSize::PerIteration));
    group.bench_function("pages", |bencher| bencher.iter(|| judge(rules, &large)));
    group.finish();
}

criterion_group!(benches, pages, shares);
criterion_main!(benches);
