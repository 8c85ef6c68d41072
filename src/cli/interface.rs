//! `authtrail record interface`.

use std::path::PathBuf;

use clap::Args;

use super::arguments::{Common, size};
use super::status::Status;

/// Arguments of `record interface`.
#[derive(Debug, Args)]
pub(crate) struct Interface {
    /// Record only what this expression selects, like `tcp port 443` (pcap-filter(7))
    #[arg(value_name = "FILTER")]
    pub(crate) filter: Vec<String>,
    /// The device; without it all of them, where the system can do that
    #[arg(long, short = 'i', value_name = "DEVICE")]
    pub(crate) device: Option<String>,
    /// List the devices
    #[arg(long)]
    pub(crate) list: bool,
    /// Keep at most so many octets of each packet
    #[arg(long, short = 's', value_name = "OCTETS", default_value_t = 262_144)]
    pub(crate) snap_length: u32,
    /// Memory for packets that wait to be written
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = size)]
    pub(crate) buffer: usize,
    /// Record packets for other hosts as well
    #[arg(long)]
    pub(crate) promiscuous: bool,
    /// Put the keys of this key log into the recording, also while it grows; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) keylog: Vec<PathBuf>,
    /// Begin another file before one grows over this size
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) rotate_size: Option<usize>,
    /// Begin another file after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) rotate_seconds: Option<u64>,
    /// Keep so many files and remove the oldest
    #[arg(long, value_name = "FILES", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) keep: Option<u32>,
}

#[cfg(not(feature = "live"))]
pub(crate) fn run(_: &Interface, _: &Common) -> anyhow::Result<Status> {
    anyhow::bail!(
        "this build does not record devices: it was made without the feature `live`, which links libpcap; instead:\n\
         tcpdump -w - | authtrail diagnose -"
    )
}

#[cfg(feature = "live")]
pub(crate) use live::run;

#[cfg(feature = "live")]
mod live {
    use std::path::Path;

    use anyhow::bail;
    use authtrail::record::interface::{self, Options, Progress, Recorded};
    use authtrail::record::packets::{Destination, Rotation};
    use authtrail::report::escape;

    use super::*;
    use crate::cli::messages::say;
    use crate::cli::output::write_to;
    use crate::cli::recording::{self, StatusLine};

    pub(crate) fn run(of: &Interface, common: &Common) -> anyhow::Result<Status> {
        if of.list {
            return list(common);
        }
        if of.keep.is_some() && of.rotate_size.is_none() && of.rotate_seconds.is_none() {
            bail!("--keep says how many files of a row are kept; --rotate-size or --rotate-seconds begins another one");
        }
        let options = options(of, common);
        let stop = recording::stop_on_signals()?;
        let mut line = StatusLine::new();
        let recorded = interface::record(&options, &stop, &mut |progress| line.show(&shown(progress)));
        line.clear();
        let recorded = recorded?;
        say(&summary(&recorded));
        Ok(Status::Good)
    }

    fn options(of: &Interface, common: &Common) -> Options {
        let path = common.output.clone().unwrap_or_else(|| recording::default_path("pcapng"));
        let rotation = Rotation {
            size: of.rotate_size.map(|size| size as u64),
            seconds: of.rotate_seconds,
            keep: of.keep.map(|keep| keep as usize),
        };
        let hosts = Path::new(if cfg!(windows) { r"C:\Windows\System32\drivers\etc\hosts" } else { "/etc/hosts" });
        Options {
            device: of.device.clone(),
            filter: Some(of.filter.join(" ")).filter(|filter| !filter.is_empty()),
            snap_length: of.snap_length,
            buffer: u32::try_from(of.buffer).unwrap_or(u32::MAX),
            promiscuous: of.promiscuous,
            destination: Destination { path, rotation, keylogs: of.keylog.clone(), hosts: hosts.to_owned() },
        }
    }

    fn shown(progress: Progress) -> String {
        format!("{}, {} dropped", recording::count(progress.packets, "packet"), progress.dropped)
    }

    /// What there is now, and how it is read: a row of files is one recording when put together.
    fn summary(recorded: &Recorded) -> String {
        let what = shown(recorded.progress);
        match recorded.files.as_slice() {
            [only] => format!("{}: {what}; authtrail {} says what they show", only.display(), only.display()),
            [first, .., last] => format!(
                "{} to {}: {what} in {} files; put together with cat they are one recording",
                first.display(),
                last.display(),
                recorded.files.len(),
            ),
            [] => what,
        }
    }

    fn list(common: &Common) -> anyhow::Result<Status> {
        let devices = interface::devices()?;
        if devices.is_empty() {
            return Err(interface::RecordError::NoDevice.into());
        }
        let width = devices.iter().map(|device| device.name.chars().count()).max().unwrap_or(0);
        write_to(common.output.as_deref(), |out| {
            for device in &devices {
                let mut about: Vec<String> = device.addresses.iter().map(ToString::to_string).collect();
                about.extend(device.description.clone());
                about.extend((!device.up).then(|| "down".to_owned()));
                let line = format!("{:width$}  {}", device.name, about.join(", "));
                writeln!(out, "{}", escape::terminal(line.trim_end()))?;
            }
            Ok(())
        })?;
        Ok(Status::Good)
    }
}
