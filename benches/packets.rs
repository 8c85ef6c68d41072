//! Packet captures: reading a recording of many connections.
//!
//! The input is made here: one login, recorded for real, over and over from other ports.

use std::path::Path;

use authtrail::decode::{ReadOptions, read_content};
use authtrail::evidence::CaptureId;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const LOGIN: &[u8] = include_bytes!("../samples/formats/packets/login.pcap");

/// Octets of the head of the file, of that of a record, and of the headers before a source port.
const FILE: usize = 24;
const RECORD: usize = 16;
const ETHERNET: usize = 14;

/// The login `copies` times, each from another loopback address.
fn recording(copies: usize) -> Vec<u8> {
    let mut file = LOGIN[..FILE].to_vec();
    for copy in 0..copies {
        let mut at = FILE;
        while at < LOGIN.len() {
            let length = u32::from_le_bytes([LOGIN[at + 8], LOGIN[at + 9], LOGIN[at + 10], LOGIN[at + 11]]) as usize;
            let mut record = LOGIN[at..at + RECORD + length].to_vec();
            let ip = RECORD + ETHERNET;
            if record[ip] >> 4 == 4 {
                for address in [ip + 12, ip + 16] {
                    record[address + 1] = (copy >> 8) as u8;
                    record[address + 2] = copy as u8;
                }
            }
            file.extend(record);
            at += RECORD + length;
        }
    }
    file
}

fn packets(criterion: &mut Criterion) {
    let file = bytes::Bytes::from(recording(500));
    let options = ReadOptions::default();
    let mut group = criterion.benchmark_group("packets");
    group.throughput(Throughput::Bytes(file.len() as u64));
    group.bench_function("read", |bencher| {
        bencher.iter(|| read_content(Path::new("bench.pcap"), CaptureId(0), file.clone(), &options));
    });
    group.finish();
}

criterion_group!(benches, packets);
criterion_main!(benches);
