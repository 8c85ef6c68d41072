//! Stands between a client and its servers, passes everything on as it comes, and records both ways.
//!
//! ```text
//! client --> listen (server) --> exchange (what is seen) --> upstream --> server
//!                                     |
//!                                 recorder --> HAR
//! ```
//!
//! | mode | the client is told | certificate | opens |
//! |---|---|---|---|
//! | reverse | another address of its server | none | the targets |
//! | forward | `HTTP_PROXY` and `HTTPS_PROXY` | one of an authority of this machine | the hosts that are allowed |
//!
//! Both modes are one engine: hyper on both sides, rustls under it. An exchange is in the file before its last octet is
//! passed on. What cannot be recorded is refused, never passed on unseen; the one exception are tunnels to hosts that
//! are not to be opened, and these are listed.

mod authority;
mod entry;
mod exchange;
mod interruption;
mod lead;
mod listen;
mod names;
mod recorder;
mod service;
mod settings;
mod tap;
mod tunnel;
mod upstream;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use super::har::Writer;
pub use authority::Authority;
pub use interruption::Interruption;
use recorder::Recorder;
pub use recorder::Statistics;
pub use settings::{Bounds, Error, Listen, Mode, Settings};

/// A proxy that runs until it is stopped or dropped.
#[derive(Debug)]
pub struct Proxy {
    runtime: Option<tokio::runtime::Runtime>,
    addresses: Vec<SocketAddr>,
    recorder: Arc<Recorder>,
    stop: watch::Sender<bool>,
}

/// How long connections may take to end once the proxy is stopped.
const GRACE: Duration = Duration::from_secs(2);

/// Opens the listeners and the recording, and begins.
///
/// # Errors
///
/// An address that cannot be listened at, a recording that cannot be made, an authority that cannot be read.
pub fn start(settings: Settings) -> Result<Proxy, Error> {
    settings.check()?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().thread_name("proxy").build();
    let runtime = runtime.map_err(Error::Runtime)?;
    // First everything that can fail without a trace, then the file.
    let upstream = upstream::Upstream::new(&settings)?;
    let listeners = runtime.block_on(listen::bind(&settings.listen))?;
    let addresses: Vec<SocketAddr> = listeners.iter().map(|listener| listener.address).collect();
    let about = settings.about(&addresses);
    let writer = Writer::create(&settings.output, &about)
        .map_err(|cause| Error::Recording { path: settings.output.clone(), cause })?;
    let recorder = Recorder::start(writer, &settings);
    let (stop, stopped) = watch::channel(false);
    let shared = service::Shared::new(&settings, &addresses, upstream, Arc::clone(&recorder), stopped);
    let shared = Arc::new(shared);
    for listener in listeners {
        runtime.spawn(listen::run(listener, Arc::clone(&shared)));
    }
    Ok(Proxy { runtime: Some(runtime), addresses, recorder, stop })
}

impl Proxy {
    /// Where it listens, in the order of the settings; ports that were 0 are filled in.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What happened so far.
    pub fn statistics(&self) -> Statistics {
        self.recorder.statistics()
    }

    /// What the user should know, said since this was asked last: once each.
    pub fn notices(&self) -> Vec<String> {
        self.recorder.notices()
    }

    /// Every exchange that completes from now on, as the entry of the HAR that was just written. A receiver that is
    /// dropped is forgotten; one that is not read grows.
    pub fn subscribe(&self) -> Receiver<Bytes> {
        self.recorder.subscribe()
    }

    /// From now on Ctrl-C and its relatives do not end the process: [`until`](Proxy::until) hears them.
    ///
    /// # Errors
    ///
    /// Signals cannot be waited for.
    pub fn hear_interruption(&self) -> Result<Interruption, Error> {
        let _entered = self.runtime.as_ref().map(tokio::runtime::Runtime::enter);
        Interruption::new().map_err(Error::Runtime)
    }

    /// Waits until the user or the system asks the process to end, also where that was before, and calls `each` at every
    /// `interval` until then.
    pub fn until(&self, mut interruption: Interruption, interval: Duration, mut each: impl FnMut(&Proxy)) {
        let Some(runtime) = &self.runtime else { return };
        runtime.block_on(async {
            let mut interrupted = std::pin::pin!(interruption.came());
            loop {
                tokio::select! {
                    () = interrupted.as_mut() => return,
                    () = tokio::time::sleep(interval) => each(self),
                }
            }
        });
    }

    /// Lets connections end, writes exchanges that are still open as far as they were seen, and the end mark.
    ///
    /// # Errors
    ///
    /// The recording could not be ended; what was written before is in it.
    pub fn stop(mut self) -> Result<Statistics, Error> {
        self.shut_down()
    }

    fn shut_down(&mut self) -> Result<Statistics, Error> {
        let Some(runtime) = self.runtime.take() else { return Ok(self.recorder.statistics()) };
        let _ = self.stop.send(true);
        let recorder = Arc::clone(&self.recorder);
        runtime.block_on(async {
            let all_closed = async { self.stop.closed().await };
            let _ = tokio::time::timeout(GRACE, all_closed).await;
        });
        // From here on nothing can be recorded, so nothing is passed on any more.
        let ended = recorder.end().map_err(Error::End);
        runtime.shutdown_timeout(GRACE);
        ended.map(|()| recorder.statistics())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.shut_down();
    }
}
