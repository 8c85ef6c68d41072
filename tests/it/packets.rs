//! Packet captures: one login in every form gives the same exchanges; frames and streams have Wireshark's numbers; loss,
//! disorder and damage change nothing that was recorded, and invent nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

use authtrail::capture::limits::Limits;
use authtrail::decode::exchange::{Answer, Exchange};
use authtrail::decode::{ReadOptions, read_content};
use authtrail::evidence::{At, CaptureId, Half};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value;

use crate::formats::{exchange, read};
use crate::walk::{beside, files, folder};

/// What other forms of a recording may change: numbers of frames, addresses, and times where there are none.
fn without_places(of: &Exchange) -> Value {
    let mut value = exchange(of);
    for place in ["at", "sent_at", "answered_at", "connection"] {
        value[place] = Value::Null;
    }
    value
}

fn login() -> PathBuf {
    folder("samples/formats/packets/login.pcap")
}

#[test]
fn one_login_in_every_form_gives_the_same_exchanges() {
    let of = |path: &Path| read(path).exchanges.iter().map(without_places).collect::<Vec<_>>();
    let expected = of(&login());
    assert_eq!(expected.len(), 14);
    let mut forms = 0;
    for path in files(&folder("samples/formats/packets")) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let is_recording = [".pcap", ".pcapng", ".gz", ".zst", ".lz4"].iter().any(|end| name.ends_with(end));
        if is_recording && name != "short.pcap" {
            assert!(of(&path) == expected, "{name} gives other exchanges");
            forms += 1;
        }
    }
    assert!(forms > 20, "only {forms} forms found");
}

#[test]
fn times_survive_every_resolution() {
    let times = |name: &str| -> Vec<_> {
        let decoded = read(&folder("samples/formats/packets").join(name));
        decoded.exchanges.iter().map(|it| (it.sent_at, it.answered_at)).collect()
    };
    for name in ["nanoseconds.pcap", "swapped-nanoseconds.pcap", "sections.pcapng"] {
        assert_eq!(times(name), times("login.pcap"), "{name}");
    }
    assert!(times("simple.pcapng").iter().all(|it| *it == (None, None)), "times were invented");
}

/// What tshark says of a recording, one line for each request: frame, `tcp.stream`, method, target.
const TSHARK: &str = ".tshark.txt";

#[test]
fn frames_and_streams_have_the_numbers_of_wireshark() {
    let mut differences = Vec::new();
    let mut compared = 0;
    for path in ["samples/formats/packets", "samples/formats/packets-recorded"].iter().flat_map(|it| files(&folder(it)))
    {
        let expected = beside(&path, TSHARK);
        let made = std::env::var_os("AUTHTRAIL_UPDATE_EXPECTED").is_some_and(|value| value == "1");
        if let Some(said) = made.then(|| tshark(&path)).flatten() {
            std::fs::write(&expected, said).unwrap();
        }
        let Ok(expected) = std::fs::read_to_string(&expected) else { continue };
        let mut found: Vec<_> = read(&path).exchanges.iter().map(place).collect();
        found.sort();
        let found: String =
            found.into_iter().map(|(frame, stream, rest)| format!("{frame}\t{stream}\t{rest}\n")).collect();
        if found != expected {
            differences.push(format!("{}:\n{found}instead of\n{expected}", path.display()));
        }
        compared += 1;
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(compared > 20, "only {compared} recordings compared");
}

fn place(exchange: &Exchange) -> (u32, u32, String) {
    let At::Frames { request, tcp_stream, .. } = exchange.at else { panic!("no frames") };
    (request.unwrap_or(0), tcp_stream, format!("{}\t{}", exchange.request.method, exchange.request.target))
}

/// `None` where tshark is not installed, and for files that hold no requests that it shows whole.
fn tshark(path: &Path) -> Option<String> {
    let name = path.to_string_lossy();
    let readable = [".pcap", ".pcapng"].iter().any(|end| name.ends_with(end)) && !name.ends_with("short.pcap");
    let keylog = beside(path, ".keylog");
    let mut lines = Vec::new();
    for (filter, method, target) in [
        ("http.request", "http.request.method", "http.request.uri"),
        ("http2.headers.method", "http2.headers.method", "http2.headers.path"),
    ] {
        let fields = ["frame.number", "tcp.stream", method, target];
        let mut command = Command::new("tshark");
        command.arg("-r").arg(path).args(["-Y", filter, "-T", "fields"]);
        if keylog.exists() {
            command.arg("-o").arg(format!("tls.keylog_file:{}", keylog.display()));
        }
        command.args(fields.iter().flat_map(|field| ["-e", field]));
        let output = command.output().ok().filter(|_| readable)?;
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let [frame, stream, methods, targets] = fields.as_slice() else { panic!("{line}") };
            for (method, target) in methods.split(',').zip(targets.split(',')) {
                lines.push((frame.parse::<u32>().unwrap(), format!("{frame}\t{stream}\t{method}\t{target}\n")));
            }
        }
    }
    lines.sort();
    Some(lines.into_iter().map(|(_, line)| line).collect())
}

fn content() -> Vec<u8> {
    std::fs::read(login()).unwrap()
}

fn exchanges(content: Vec<u8>) -> Vec<Exchange> {
    read_content(Path::new("test.pcap"), CaptureId(0), Bytes::from(content), &ReadOptions::default()).1
}

/// Head of the file, and its records.
fn records(content: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut records = Vec::new();
    let mut at = 24;
    while at < content.len() {
        let length = u32::from_le_bytes(content[at + 8..at + 12].try_into().unwrap()) as usize;
        records.push(content[at..at + 16 + length].to_vec());
        at += 16 + length;
    }
    (content[..24].to_vec(), records)
}

fn is_opening(record: &[u8]) -> bool {
    record.get(16 + 14 + 20 + 13).is_some_and(|flags| flags & 0x12 == 0x02)
}

#[test]
fn a_file_cut_off_anywhere_gives_what_stands_before() {
    let whole = content();
    let all: Vec<_> = exchanges(whole.clone()).iter().map(without_places).collect();
    let mut seen = 0;
    for length in (0..whole.len()).step_by(7) {
        let cut = whole[..length].to_vec();
        let (facts, exchanges) =
            read_content(Path::new("test.pcap"), CaptureId(0), Bytes::from(cut), &ReadOptions::default());
        assert!(facts.complete || !facts.problems.is_empty(), "cut at {length} without a word");
        assert!(exchanges.len() >= seen, "an exchange is gone at {length}");
        seen = exchanges.len();
        for (found, whole) in exchanges.iter().zip(&all) {
            assert_eq!(without_places(found)["target"], whole["target"]);
        }
    }
}

#[test]
fn octets_changed_anywhere_do_not_stop_the_reader() {
    for name in ["login.pcap", "sections.pcapng", "vxlan.pcap", "fragments.pcap"] {
        let whole = std::fs::read(folder("samples/formats/packets").join(name)).unwrap();
        for at in (0..whole.len()).step_by(61) {
            for value in [0, 0x7f, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = value;
                exchanges(damaged);
            }
        }
    }
}

#[test]
fn limits_are_kept_and_said() {
    let limits = Limits { connections: 3, ..Limits::default() };
    let options = ReadOptions { limits, ..ReadOptions::default() };
    let (facts, exchanges) = read_content(Path::new("test.pcap"), CaptureId(0), Bytes::from(content()), &options);
    assert!(exchanges.iter().all(|it| it.at.tcp_stream().is_some_and(|stream| stream < 3)));
    let said: Vec<_> = facts.problems.iter().map(|problem| problem.message.as_str()).collect();
    assert!(said.iter().any(|it| it.starts_with("more connections than the limit")), "{said:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_legal_order_and_any_copies_give_the_same_exchanges(
        delays in prop::collection::vec(0usize..12, 100),
        copies in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let (head, records) = records(&content());
        // Later by some places, as on several queues; what opens a connection stays before the rest of it.
        let mut keyed: Vec<(usize, usize, &Vec<u8>)> = records
            .iter()
            .enumerate()
            .map(|(at, record)| (if is_opening(record) { at } else { at + delays[at % delays.len()] }, at, record))
            .collect();
        for copy in copies {
            let at = copy.index(records.len());
            keyed.push((at + 14, at, &records[at]));
        }
        keyed.sort_by_key(|(key, at, _)| (*key, *at));
        let file: Vec<u8> = head.into_iter().chain(keyed.into_iter().flat_map(|(.., record)| record.clone())).collect();
        let of = |content| {
            let mut all: Vec<String> = exchanges(content).iter().map(|it| without_places(it).to_string()).collect();
            all.sort();
            all
        };
        prop_assert_eq!(of(file), of(content()));
    }

    #[test]
    fn what_is_lost_is_missing_and_nothing_else_is_there(lost in prop::collection::vec(prop::bool::weighted(0.1), 100)) {
        let (head, records) = records(&content());
        let kept = records.iter().enumerate().filter(|(at, record)| is_opening(record) || !lost[at % lost.len()]);
        let file: Vec<u8> = head.into_iter().chain(kept.flat_map(|(_, record)| record.clone())).collect();
        let whole = exchanges(content());
        for found in exchanges(file) {
            let same = |it: &&Exchange| {
                it.request.target == found.request.target && it.request.method == found.request.method
                    || found.request.target.is_empty()
            };
            prop_assert!(whole.iter().any(|it| same(&it)), "{} is invented", found.at.of(Half::Request));
            if let Answer::Received(response) = &found.answer {
                let statuses = whole.iter().filter_map(|it| it.answer.response()).map(|it| it.status);
                prop_assert!(statuses.into_iter().any(|status| status == response.status));
                for header in response.headers.list.iter() {
                    prop_assert!(whole.iter().filter_map(|it| it.answer.response()).any(|it| it.headers.list.iter().any(|it| it == header)));
                }
            }
        }
    }
}
