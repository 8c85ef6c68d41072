//! What a command takes: seconds, and memory, of all its processes.

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};

/// The argument under which a bench runs a command and says what that took. A process of its own waits for it, since what
/// is counted is the sum of all that a process has waited for.
const MEASURE: &str = "--measure";

/// What a run took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    /// Exit status.
    pub(crate) status: i32,
    /// Seconds.
    pub(crate) wall: f64,
    /// Seconds of all processes in user mode.
    pub(crate) user: f64,
    /// Seconds that the kernel worked for them.
    pub(crate) system: f64,
    /// Octets of the largest process, mapped files included.
    pub(crate) peak: f64,
}

/// Measures, where this process was started for that. To be called first. Whether it was.
pub(crate) fn as_asked() -> bool {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [first, program, arguments @ ..] = &arguments[..] else { return false };
    if first != MEASURE {
        return false;
    }
    let began = Instant::now();
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let wall = began.elapsed().as_secs_f64();
    let status = status.expect("it starts").code().expect("it ends by itself");
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("it is counted");
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    // In KiB; on macOS in octets.
    let peak = usage.max_rss() * if cfg!(target_os = "macos") { 1 } else { 1024 };
    println!("{status} {wall} {} {} {peak}", seconds(usage.user_time()), seconds(usage.system_time()));
    true
}

/// Runs a command; `input` is its standard input.
pub(crate) fn run(command: &[OsString], input: Option<&Path>) -> Taken {
    let mut own = Command::new(std::env::current_exe().expect("this program"));
    own.arg(MEASURE).args(command).stderr(Stdio::inherit());
    own.stdin(input.map_or_else(Stdio::null, |input| File::open(input).expect("a list").into()));
    let output = own.output().expect("this program starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let numbers: Vec<f64> = said.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    let [status, wall, user, system, peak] = numbers[..] else { panic!("{command:?}: {said}") };
    Taken { status: status as i32, wall, user, system, peak }
}
