//! Live capture from a network device with libpcap, into a packet recording.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pcap::{Active, Capture, Device, Error};

use super::packets::{Counters, Destination, Interface, Recorder};
use crate::evidence::Timestamp;

/// Milliseconds that the system may hold a packet back to give several at once.
const HOLD: i32 = 20;
/// How long the recorder waits where there is no packet, and how long shortly after one. It does not wait inside of
/// libpcap: there, 1.10 comes back with a packet only, and hears no signal until then.
const PAUSE: Duration = Duration::from_millis(10);
const SHORT_PAUSE: Duration = Duration::from_millis(1);
/// How long after a packet others are likely.
const BUSY: Duration = Duration::from_millis(100);
/// How often the watcher is told.
const TELL_EVERY: Duration = Duration::from_millis(500);
/// The device that is all devices, where the system has it.
const ALL: &str = "any";

/// What to record.
#[derive(Debug, Clone)]
pub struct Options {
    /// The device; `None` takes all of them where the system can do that, otherwise the first.
    pub device: Option<String>,
    /// A filter expression of libpcap (pcap-filter(7)); `None` records everything.
    pub filter: Option<String>,
    /// Most octets of a frame that are kept.
    pub snap_length: u32,
    /// Octets that the system holds for the recorder.
    pub buffer: u32,
    /// Whether frames for other hosts are wanted.
    pub promiscuous: bool,
    /// Where it goes.
    pub destination: Destination,
}

/// How far a recording is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Packets written.
    pub packets: u64,
    /// Packets dropped by device and system.
    pub dropped: u64,
}

/// What was recorded.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// How far it came.
    pub progress: Progress,
    /// The files that are there, oldest first.
    pub files: Vec<std::path::PathBuf>,
}

/// A device that can be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// What the system says of it.
    pub description: Option<String>,
    /// Its addresses.
    pub addresses: Vec<std::net::IpAddr>,
    /// Whether it is up.
    pub up: bool,
}

/// Why nothing is recorded, or no more.
#[derive(Debug)]
pub enum RecordError {
    /// There is no device at all that may be recorded.
    NoDevice,
    /// The device cannot be opened.
    Open(String, Error),
    /// The filter expression is wrong.
    Filter(String, Error),
    /// The device gives nothing more: it was removed, or is down. What came before is recorded.
    Device(String, Error),
    /// The recording cannot be written. What came before is recorded.
    Write(std::path::PathBuf, io::Error),
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordError::NoDevice => {
                write!(f, "there is no device that may be recorded; run as root, or give the program CAP_NET_RAW")
            }
            RecordError::Open(device, error) => {
                write!(f, "device '{device}' cannot be opened: {}", reason(error))?;
                match error {
                    Error::PcapError(text) if text.contains("ermi") => {
                        write!(f, "; run as root, or give the program CAP_NET_RAW (setcap cap_net_raw+ep FILE)")
                    }
                    _ => write!(f, "; --list shows the devices"),
                }
            }
            RecordError::Filter(filter, error) => {
                write!(f, "filter '{filter}': {}; see pcap-filter(7)", reason(error))
            }
            RecordError::Device(device, error) => {
                write!(f, "device '{device}' gives nothing more: {}; kept what came before", reason(error))
            }
            RecordError::Write(path, error) if error.kind() == io::ErrorKind::AlreadyExists => {
                write!(f, "{}: is there already; remove it or give another name", path.display())
            }
            RecordError::Write(path, error) => {
                write!(f, "{}: {error}; kept what was written before", path.display())
            }
        }
    }
}

impl std::error::Error for RecordError {}

/// The words of libpcap without the prefix of the binding.
fn reason(error: &Error) -> String {
    match error {
        Error::PcapError(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The devices that may be recorded.
///
/// # Errors
///
/// The system does not say.
pub fn devices() -> Result<Vec<Listed>, RecordError> {
    let found = Device::list().map_err(|error| RecordError::Open("any".to_owned(), error))?;
    let listed = found.into_iter().map(|device| Listed {
        addresses: device.addresses.iter().map(|address| address.addr).collect(),
        up: device.flags.is_up(),
        description: device.desc,
        name: device.name,
    });
    Ok(listed.collect())
}

/// Records until `stop` is set, the device ends or the disk is full. `watch` is told now and then.
///
/// # Errors
///
/// Nothing was recorded, or the recording ended early; what came before stands in the files either way.
pub fn record(options: &Options, stop: &AtomicBool, watch: &mut dyn FnMut(Progress)) -> Result<Recorded, RecordError> {
    let (name, mut capture) = open(options)?;
    if let Some(filter) = &options.filter {
        capture.filter(filter, true).map_err(|error| RecordError::Filter(filter.clone(), error))?;
    }
    let interface = Interface {
        name: name.clone(),
        link: link_type(capture.get_datalink().0),
        snap_length: options.snap_length,
        filter: options.filter.clone(),
    };
    let path = &options.destination.path;
    let failed = |error| RecordError::Write(path.clone(), error);
    let mut recorder = Recorder::begin(&options.destination, interface, now()).map_err(failed)?;
    let ended = run(&mut capture, &mut recorder, stop, watch);
    let counted = counters(&mut capture);
    let packets = recorder.packets();
    let files = match ended {
        // No end mark: what the device would have given then is not known.
        Err(Ended::Write(error)) => return Err(failed(error)),
        Err(Ended::Device(error)) => return Err(RecordError::Device(name, error)),
        Ok(()) => recorder.finish(now(), counted).map_err(failed)?,
    };
    Ok(Recorded { progress: Progress { packets, dropped: counted.dropped() }, files })
}

/// Why packets end.
enum Ended {
    Device(Error),
    Write(io::Error),
}

fn run(
    capture: &mut Capture<Active>,
    recorder: &mut Recorder,
    stop: &AtomicBool,
    watch: &mut dyn FnMut(Progress),
) -> Result<(), Ended> {
    let mut told = Instant::now();
    let (mut busy, mut busy_until) = (false, told);
    watch(Progress::default());
    let mut counted = Counters::default();
    while !stop.load(Ordering::Relaxed) {
        match capture.next_packet() {
            Ok(packet) => {
                let time = Timestamp(packet.header.ts.tv_sec.saturating_mul(1_000_000) + packet.header.ts.tv_usec);
                recorder.packet(time, packet.data, packet.header.len, counted).map_err(Ended::Write)?;
                busy = true;
            }
            Err(Error::TimeoutExpired) => {
                recorder.tick(now(), counted).map_err(Ended::Write)?;
                if std::mem::take(&mut busy) {
                    busy_until = Instant::now() + BUSY;
                }
                std::thread::sleep(if Instant::now() < busy_until { SHORT_PAUSE } else { PAUSE });
            }
            Err(error) => return Err(Ended::Device(error)),
        }
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            counted = counters(capture);
            watch(Progress { packets: recorder.packets(), dropped: counted.dropped() });
            recorder.tick(now(), counted).map_err(Ended::Write)?;
        }
    }
    drain(capture, recorder, counted)
}

/// Takes what the system holds already: it came before the recording was stopped.
fn drain(capture: &mut Capture<Active>, recorder: &mut Recorder, counted: Counters) -> Result<(), Ended> {
    let stopped = now();
    std::thread::sleep(Duration::from_millis(HOLD.unsigned_abs().into()) + PAUSE);
    while let Ok(packet) = capture.next_packet() {
        let time = Timestamp(packet.header.ts.tv_sec.saturating_mul(1_000_000) + packet.header.ts.tv_usec);
        if time > stopped {
            break;
        }
        recorder.packet(time, packet.data, packet.header.len, counted).map_err(Ended::Write)?;
    }
    Ok(())
}

fn open(options: &Options) -> Result<(String, Capture<Active>), RecordError> {
    let name = match &options.device {
        Some(name) => name.clone(),
        None => {
            let devices = devices()?;
            let all = devices.iter().find(|device| device.name == ALL).or(devices.first());
            all.ok_or(RecordError::NoDevice)?.name.clone()
        }
    };
    let number = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    let open = |capture: Capture<pcap::Inactive>| {
        capture
            .snaplen(number(options.snap_length))
            .buffer_size(number(options.buffer))
            .promisc(options.promiscuous)
            .timeout(HOLD)
            .open()?
            .setnonblock()
    };
    let opened = Capture::from_device(name.as_str()).and_then(open);
    opened.map(|capture| (name.clone(), capture)).map_err(|error| RecordError::Open(name, error))
}

/// What libpcap counted; nothing where it does not say.
fn counters(capture: &mut Capture<Active>) -> Counters {
    capture.stats().map_or(Counters::default(), |stats| Counters {
        received: u64::from(stats.received),
        dropped_by_interface: u64::from(stats.if_dropped),
        dropped_by_system: u64::from(stats.dropped),
    })
}

/// The number in files of a link type of libpcap. Raw IP is the one that systems number differently.
fn link_type(number: i32) -> u16 {
    const RAW: i32 = 12;
    const LINKTYPE_RAW: u16 = 101;
    if number == RAW { LINKTYPE_RAW } else { u16::try_from(number).unwrap_or_default() }
}

fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_microsecond())
}
