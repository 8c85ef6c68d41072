//! Many recordings into tables: recordings and octets a second, on one thread and on two.
//!
//! The input is made of the labelled samples, copied until there are a thousand.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use authtrail::audit::{Capacity, Folder, Grouping, Options, TableFormat, find};
use authtrail::check::rule_set::RuleSet;
use authtrail::secret::FingerprintKey;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const RECORDINGS: usize = 1000;

/// HAR files and packet captures below `folder`.
fn recordings(folder: &Path) -> Vec<PathBuf> {
    let samples = find(&[folder.to_owned()], Grouping::Alone, None, std::io::empty()).expect("no list to read");
    samples.jobs.into_iter().flat_map(|job| job.paths).collect()
}

fn audit(criterion: &mut Criterion) {
    let corpus = tempfile::tempdir().expect("a temporary folder");
    let samples = recordings(&Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/labelled"));
    for (number, sample) in samples.iter().cycle().take(RECORDINGS).enumerate() {
        let extension = sample.extension().unwrap_or_default().to_string_lossy();
        std::fs::copy(sample, corpus.path().join(format!("{number:04}.{extension}"))).expect("room for it");
    }
    let found = find(&[corpus.path().to_owned()], Grouping::Alone, None, std::io::empty()).expect("no list to read");
    let bytes = found.jobs.iter().map(|job| job.bytes).sum();
    let rules = RuleSet::embedded().expect("the built-in rules load");
    let options = Options::new(rules, FingerprintKey::from_file_content(b"the key of the bench"));
    let mut group = criterion.benchmark_group("audit");
    group.sample_size(10).throughput(Throughput::ElementsAndBytes { elements: RECORDINGS as u64, bytes });
    for threads in [1, 2] {
        let capacity = Capacity { threads, ..Capacity::default() };
        group.bench_function(format!("{threads}-threads"), |bencher| {
            let fresh = || (tempfile::tempdir().expect("a temporary folder"), found.jobs.clone());
            bencher.iter_batched(
                fresh,
                |(out, jobs)| {
                    let folder = Folder::new(out.path()).expect("the folder is there");
                    let stop = AtomicBool::new(false);
                    folder.audit(jobs, &options, capacity, TableFormat::Csv, &stop, &|_| {}).expect("room for it");
                    out
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, audit);
criterion_main!(benches);
