//! The wish that the process end: SIGINT and SIGTERM, Ctrl-C elsewhere.

use std::io;

/// Hears the wish from the moment it is made, so that none is missed before somebody waits.
#[derive(Debug)]
pub struct Interruption {
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 2],
    #[cfg(windows)]
    control: tokio::signal::windows::CtrlC,
}

impl Interruption {
    /// Inside the runtime.
    pub(super) fn new() -> io::Result<Interruption> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Interruption { signals: [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?] })
        }
        #[cfg(windows)]
        Ok(Interruption { control: tokio::signal::windows::ctrl_c()? })
    }

    /// It came.
    pub(super) async fn came(&mut self) {
        #[cfg(unix)]
        {
            let [interrupt, terminate] = &mut self.signals;
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        #[cfg(windows)]
        let _ = self.control.recv().await;
    }
}
