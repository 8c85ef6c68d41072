//! A refused connection to the redirect URI shows that an authorization response never reached the client.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::run::{diagnose, items, text};

const PORT: u16 = 33418;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

fn case() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/labelled/callback-refused-after-idle")
}

/// The recording with `change` done to every frame of the port: the time of its header, and its TCP flags. `false` leaves
/// the frame out.
fn changed(change: impl Fn(&mut u32, &mut u8) -> bool) -> Vec<u8> {
    let recording = std::fs::read(case().join("client.pcap")).unwrap();
    let (head, mut rest) = recording.split_at(24);
    let mut made = head.to_vec();
    while let Some((header, body)) = rest.split_at_checked(16) {
        let length = u32::from_le_bytes(header[8..12].try_into().unwrap()) as usize;
        let (frame, after) = body.split_at(length);
        let (mut header, mut frame) = (header.to_vec(), frame.to_vec());
        // Ethernet, and IPv4 without options.
        let ports = [34, 36].map(|at| u16::from_be_bytes([frame[at], frame[at + 1]]));
        let mut seconds = u32::from_le_bytes(header[..4].try_into().unwrap());
        if !ports.contains(&PORT) || change(&mut seconds, &mut frame[47]) {
            header[..4].copy_from_slice(&seconds.to_le_bytes());
            made.extend([header, frame].concat());
        }
        rest = after;
    }
    made
}

/// The cause of what is in a recording.
fn cause(recording: &[u8]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("client.pcap"), recording).unwrap();
    let report = diagnose(folder.path(), &["client.pcap".to_owned()], &[], None);
    let trail = &items(&report, "trails")[0];
    assert_eq!(text(trail, "/outcome"), "lost");
    trail["cause"].clone()
}

#[test]
fn a_refusal_after_the_redirect_names_the_cause_with_its_frames() {
    let cause = cause(&changed(|_, _| true));
    assert_eq!(text(&cause, "/rule"), "callback-not-delivered");
    let windows: Vec<&str> = items(&cause, "evidence").iter().map(|piece| text(piece, "/window")).collect();
    let refused = "closed: the connection to the redirect URI was refused (frame 71, asked in frame 70)";
    assert!(windows.contains(&refused), "{windows:?}");
}

#[test]
fn without_it_nothing_is_said() {
    let not_recorded = changed(|_, _| false);
    let before_the_redirect = changed(|seconds, _| {
        *seconds -= 60;
        true
    });
    let accepted = changed(|_, flags| {
        if *flags == RST | ACK {
            *flags = SYN | ACK;
        }
        true
    });
    for recording in [not_recorded, before_the_redirect, accepted] {
        assert_eq!(cause(&recording), Value::Null);
    }
}
