//! What is written is read back: by the reader of this program, and by tshark where it is there.

use std::process::Command;

use bytes::Bytes;

use super::*;
use crate::decode::{CaptureFacts, ReadOptions, read_content};
use crate::evidence::CaptureId;

const START: i64 = 1_785_000_000_000_000;

fn time(milliseconds: i64) -> Timestamp {
    Timestamp(START + milliseconds * 1000)
}

fn interface() -> Interface {
    Interface { name: "lo".to_owned(), link: 101, snap_length: 262_144, filter: Some("tcp port 80".to_owned()) }
}

/// The packets of one request and its answer, as raw IP.
fn conversation() -> Vec<Vec<u8>> {
    let request = b"GET /mcp HTTP/1.1\r\nHost: mcp.acme.test\r\n\r\n";
    let answer = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
    let mut packets = Vec::new();
    let mut add = |from_client: bool, sequence: u32, acknowledged: u32, flags: u8, payload: &[u8]| {
        let (client, server) = ([127, 0, 0, 1], [127, 0, 0, 2]);
        let (source, destination) = if from_client { (client, server) } else { (server, client) };
        let builder = etherparse::PacketBuilder::ipv4(source, destination, 64);
        let (from, to) = if from_client { (40_000, 80) } else { (80, 40_000) };
        let mut tcp = etherparse::TcpHeader::new(from, to, sequence, 65_000);
        tcp.acknowledgment_number = acknowledged;
        (tcp.syn, tcp.ack, tcp.fin) = (flags & 2 != 0, flags & 16 != 0, flags & 1 != 0);
        let mut packet = Vec::new();
        builder.tcp_header(tcp).write(&mut packet, payload).unwrap();
        packets.push(packet);
    };
    let (sent, answered) = (1 + request.len() as u32, 1 + answer.len() as u32);
    add(true, 0, 0, 2, b"");
    add(false, 0, 1, 18, b"");
    add(true, 1, 1, 16, b"");
    add(true, 1, 1, 24, request);
    add(false, 1, sent, 24, answer);
    add(false, answered, sent, 17, b"");
    add(true, sent, answered + 1, 17, b"");
    packets
}

/// A recorder in a folder of its own.
struct Made {
    folder: tempfile::TempDir,
    recorder: Recorder,
}

fn begin(rotation: Rotation) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts");
    std::fs::write(&hosts, "127.0.0.2 mcp.acme.test\n").unwrap();
    let keylogs = vec![folder.path().join("keys.log")];
    let destination = Destination { path: folder.path().join("login.pcapng"), rotation, keylogs, hosts };
    let recorder = Recorder::begin(&destination, interface(), time(0)).unwrap();
    Made { folder, recorder }
}

impl Made {
    fn packets(&mut self, counters: Counters) {
        for (at, packet) in conversation().iter().enumerate() {
            self.recorder.packet(time(at as i64), packet, packet.len() as u32, counters).unwrap();
        }
    }
}

fn read(files: &[PathBuf]) -> (CaptureFacts, usize) {
    let content: Vec<u8> = files.iter().flat_map(|file| std::fs::read(file).unwrap()).collect();
    let (facts, exchanges) =
        read_content(Path::new("login.pcapng"), CaptureId(0), Bytes::from(content), &ReadOptions::default());
    (facts, exchanges.len())
}

fn said(facts: &CaptureFacts) -> Vec<&str> {
    facts.problems.iter().map(|problem| problem.message.as_str()).collect()
}

#[test]
fn a_recording_reads_as_it_was_made() {
    let mut made = begin(Rotation::default());
    std::fs::write(made.folder.path().join("keys.log"), "CLIENT_RANDOM 00ff aa\n").unwrap();
    made.packets(Counters::default());
    made.recorder.tick(time(2000), Counters::default()).unwrap();
    let files = made.recorder.finish(time(3000), Counters { received: 7, ..Counters::default() }).unwrap();
    let (facts, exchanges) = read(&files);
    // The key is of a wrong length on purpose: it was found, and that is said.
    assert_eq!(said(&facts), ["key log in the recording: line 1 is no key log line; left out"]);
    assert_eq!((exchanges, facts.complete, facts.dropped), (1, true, Some(0)));
    assert_eq!(facts.end_mark, Some(time(3000)));
    assert_eq!(facts.creator.as_deref(), Some(concat!("authtrail ", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn dropped_packets_are_counted_and_take_the_end_mark_away() {
    let mut made = begin(Rotation::default());
    made.packets(Counters::default());
    let counters = Counters { received: 9, dropped_by_interface: 1, dropped_by_system: 1 };
    let files = made.recorder.finish(time(3000), counters).unwrap();
    let (facts, exchanges) = read(&files);
    assert_eq!((exchanges, facts.dropped, facts.end_mark), (1, Some(2), None));
    let message = "2 frames dropped by the recorder, which had no room for them; what is missing stays a gap; record \
                   again with a larger buffer or a narrower filter";
    assert_eq!(said(&facts), [message]);
}

#[test]
fn a_killed_recorder_leaves_every_packet_and_no_end_mark() {
    let mut made = begin(Rotation::default());
    made.packets(Counters::default());
    let files: Vec<_> = made.recorder.kept().map(Path::to_owned).collect();
    std::mem::forget(made.recorder);
    let (facts, exchanges) = read(&files);
    assert_eq!((exchanges, facts.complete, facts.dropped, facts.end_mark), (1, true, None, None));
}

#[test]
fn a_row_of_files_is_one_recording_when_put_together() {
    let mut made = begin(Rotation { size: Some(700), ..Rotation::default() });
    std::fs::write(
        made.folder.path().join("keys.log"),
        format!("CLIENT_RANDOM {} {}\n", "0".repeat(64), "a".repeat(96)),
    )
    .unwrap();
    // What was dropped while the first file was written is not counted again in the second.
    made.packets(Counters { received: 5, dropped_by_system: 0, ..Counters::default() });
    let files = made.recorder.finish(time(3000), Counters::default()).unwrap();
    assert!(files.len() > 1, "{files:?}");
    for file in &files {
        // Counted without the statistics at the end, which a full file must still take.
        assert!(std::fs::metadata(file).unwrap().len() < 1100);
        let (facts, _) = read(std::slice::from_ref(file));
        assert!(said(&facts).iter().all(|problem| !problem.contains("key log")), "{:?}", said(&facts));
    }
    let (facts, exchanges) = read(&files);
    assert_eq!((exchanges, facts.end_mark, said(&facts).len()), (1, Some(time(3000)), 0));
    // A file out of the middle is missed.
    let (facts, _) = read(&[files[0].clone(), files[files.len() - 1].clone()]);
    assert_eq!(facts.end_mark.is_some(), files.len() == 2);
}

#[test]
fn the_oldest_files_are_removed() {
    let mut made = begin(Rotation { seconds: Some(1), keep: Some(2), ..Rotation::default() });
    for second in 0..5 {
        let packet = &conversation()[0];
        made.recorder.packet(time(second * 1000), packet, packet.len() as u32, Counters::default()).unwrap();
    }
    // Nothing came since the last file was begun: no empty file is made.
    made.recorder.tick(time(4500), Counters::default()).unwrap();
    let files = made.recorder.finish(time(9000), Counters::default()).unwrap();
    let names: Vec<_> = files.iter().map(|file| file.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["login_00004_20260725172003.pcapng", "login_00005_20260725172004.pcapng"]);
    let there = std::fs::read_dir(made.folder.path()).unwrap().flatten();
    assert_eq!(there.filter(|file| file.path().extension().is_some_and(|of| of == "pcapng")).count(), 2);
    assert!(read(&files).0.end_mark.is_some());
}

#[cfg(unix)]
#[test]
fn only_the_owner_reads_it_and_nothing_is_written_over() {
    use std::os::unix::fs::PermissionsExt;
    let made = begin(Rotation::default());
    let path = made.folder.path().join("login.pcapng");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let (hosts, keylogs) = (PathBuf::new(), Vec::new());
    let again = Destination { path, rotation: Rotation::default(), keylogs, hosts };
    let error = Recorder::begin(&again, interface(), time(0)).err().expect("an error");
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
}

/// A full disk: the block that did not fit is not there, what was before it is.
#[cfg(target_os = "linux")]
#[test]
fn a_device_that_takes_nothing_is_an_error() {
    let destination = Destination {
        path: "/dev/full/no.pcapng".into(),
        rotation: Rotation::default(),
        keylogs: Vec::new(),
        hosts: PathBuf::new(),
    };
    assert!(Recorder::begin(&destination, interface(), time(0)).is_err());
}

#[test]
fn wireshark_reads_packets_names_keys_and_counters() {
    let mut made = begin(Rotation::default());
    std::fs::write(
        made.folder.path().join("keys.log"),
        format!("CLIENT_RANDOM {} {}\n", "0".repeat(64), "a".repeat(96)),
    )
    .unwrap();
    made.packets(Counters::default());
    let files = made.recorder.finish(time(3000), Counters { received: 7, ..Counters::default() }).unwrap();
    let fields = ["-T", "fields", "-e", "http.request.uri", "-e", "http.response.code", "-e", "ip.dst_host"];
    let shown = Command::new("tshark")
        .arg("-r")
        .arg(&files[0])
        .args(["-Y", "http", "-N", "n", "-o", "nameres.use_external_name_resolver:FALSE"])
        .args(fields)
        .output();
    let Ok(shown) = shown else {
        #[allow(clippy::print_stderr)] // Says why nothing was compared.
        {
            eprintln!("skipped: tshark is not here");
        }
        return;
    };
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows, [["/mcp", "", "mcp.acme.test"], ["", "401", "127.0.0.1"]]);
    let about = Command::new("capinfos").arg(&files[0]).output().expect("capinfos comes with tshark");
    let about = String::from_utf8_lossy(&about.stdout).into_owned();
    let lines = [
        "Number of packets:   7",
        "Name = lo",
        "Filter string = tcp port 80",
        "Number of stat entries = 1",
        "Number of resolved IPv4 addresses in file: 1",
        "Number of decryption secrets in file: 1",
    ];
    for line in lines {
        assert!(about.contains(line), "{line}: {about}");
    }
}
