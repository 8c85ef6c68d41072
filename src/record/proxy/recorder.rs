//! One thread that writes: what completed at once, what is open twice a second.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::exchange::Exchange;
use super::settings::Settings;
use crate::evidence::Timestamp;
use crate::record::har::{EndMark, Writer};

/// What happened so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Exchanges in the file that completed.
    pub exchanges: u64,
    /// Exchanges that are open.
    pub open: u64,
    /// Connections and requests that were refused; they are not in the file.
    pub refused: u64,
    /// Octets of the file.
    pub octets: u64,
    /// Why nothing more can be written just now; `None` where it can.
    pub failed: Option<String>,
}

/// Takes what is to be recorded.
#[derive(Debug)]
pub(super) struct Recorder {
    queue: Mutex<Option<Sender<Job>>>,
    thread: Mutex<Option<std::thread::JoinHandle<io::Result<()>>>>,
    open: Mutex<BTreeMap<u64, Arc<Exchange>>>,
    subscribers: Mutex<Vec<Sender<Bytes>>>,
    failed: AtomicBool,
    failure: Mutex<Option<String>>,
    missed: Mutex<Option<&'static str>>,
    notices: Mutex<Notices>,
    numbers: AtomicU64,
    exchanges: AtomicU64,
    octets: AtomicU64,
    refused: AtomicU64,
    /// Octets that are held just now: messages that are open, and entries that wait to be written.
    held: AtomicUsize,
    bounds: super::settings::Bounds,
    sync: bool,
}

/// What the user should know.
#[derive(Debug, Default)]
struct Notices {
    /// Not asked for yet.
    new: Vec<String>,
    /// Everything that was said.
    said: BTreeSet<String>,
}

/// Different notices of one recording; a stranger must not fill the terminal.
const NOTICES: usize = 200;

enum Job {
    /// An entry, and whom to tell whether it was written.
    Entry(Bytes, oneshot::Sender<bool>),
    /// Nothing more comes.
    End(EndMark),
}

/// How often the open exchanges are written.
const TICK: Duration = Duration::from_millis(500);

/// Octets of all open exchanges that are written at one tick.
const OPEN_ROOM: usize = 4 << 20;

/// Entries that are written at one time.
const BATCH: usize = 256;

/// What is tried before the disk counts as usable again.
const ROOM: usize = 64 << 10;

/// A lock that a panic elsewhere does not spoil: what it guards is whole after every statement.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recorder {
    /// Starts the thread that writes.
    pub(super) fn start(writer: Writer, settings: &Settings) -> Arc<Recorder> {
        let (queue, jobs) = mpsc::channel();
        let recorder = Arc::new(Recorder {
            queue: Mutex::new(Some(queue)),
            thread: Mutex::default(),
            open: Mutex::default(),
            subscribers: Mutex::default(),
            failed: AtomicBool::new(false),
            failure: Mutex::default(),
            missed: Mutex::default(),
            notices: Mutex::default(),
            numbers: AtomicU64::new(0),
            exchanges: AtomicU64::new(0),
            octets: AtomicU64::new(writer.length()),
            refused: AtomicU64::new(0),
            held: AtomicUsize::new(0),
            bounds: settings.bounds.clone(),
            sync: settings.sync,
        });
        let own = Arc::clone(&recorder);
        *lock(&recorder.thread) = Some(std::thread::spawn(move || own.write(writer, &jobs)));
        recorder
    }

    /// A number for an exchange, in the order in which they began.
    pub(super) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// The limits.
    pub(super) fn bounds(&self) -> &super::settings::Bounds {
        &self.bounds
    }

    /// Whether what happens now could be written.
    pub(super) fn is_writable(&self) -> bool {
        !self.failed.load(Ordering::Relaxed)
    }

    /// Takes `octets` more of memory for the beginning of an exchange; whether there was room.
    pub(super) fn hold(&self, octets: usize) -> bool {
        self.hold_within(self.bounds.memory, octets)
    }

    /// The same for a part of a body. Bodies leave a quarter to exchanges to come: a login is worth more than a download.
    pub(super) fn hold_body(&self, octets: usize) -> bool {
        self.hold_within(self.bounds.memory / 4 * 3, octets)
    }

    fn hold_within(&self, most: usize, octets: usize) -> bool {
        let before = self.held.fetch_add(octets, Ordering::Relaxed);
        let fits = before.saturating_add(octets) <= most;
        if !fits {
            self.held.fetch_sub(octets, Ordering::Relaxed);
        }
        fits
    }

    /// Takes `octets` more of memory, also where there is no room: what began is recorded to its end.
    pub(super) fn take(&self, octets: usize) {
        self.held.fetch_add(octets, Ordering::Relaxed);
    }

    /// Gives memory back.
    pub(super) fn release(&self, octets: usize) {
        self.held.fetch_sub(octets, Ordering::Relaxed);
    }

    /// Something was refused, and is not in the file.
    pub(super) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Something passed that was not recorded: from now on the end mark closes nothing.
    pub(super) fn miss(&self, why: &'static str) {
        lock(&self.missed).get_or_insert(why);
    }

    /// The user should know this; what was said before is not said again.
    pub(super) fn notice(&self, words: String) {
        let mut notices = lock(&self.notices);
        if notices.said.len() < NOTICES && notices.said.insert(words.clone()) {
            notices.new.push(words);
        }
    }

    /// What was not asked for yet.
    pub(super) fn notices(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.notices).new)
    }

    /// An exchange began.
    pub(super) fn opened(&self, exchange: &Arc<Exchange>) {
        lock(&self.open).insert(exchange.number, Arc::clone(exchange));
    }

    /// Writes the entry of an exchange that ended; the answer tells whether it is in the file.
    pub(super) fn completed(&self, exchange: &Exchange, entry: Bytes) -> oneshot::Receiver<bool> {
        lock(&self.open).remove(&exchange.number);
        let (done, written) = oneshot::channel();
        // Nobody waits for what a client asked for and left. Where more of that comes than can be written, there is no room
        // for new exchanges.
        self.take(entry.len());
        if let Some(queue) = &*lock(&self.queue) {
            // Where the thread is gone, the sender in the job is dropped with it, and the receiver says so.
            let _ = queue.send(Job::Entry(entry, done));
        }
        written
    }

    /// A receiver of every entry from now on.
    pub(super) fn subscribe(&self) -> Receiver<Bytes> {
        let (sender, receiver) = mpsc::channel();
        lock(&self.subscribers).push(sender);
        receiver
    }

    /// What happened so far.
    pub(super) fn statistics(&self) -> Statistics {
        Statistics {
            exchanges: self.exchanges.load(Ordering::Relaxed),
            open: lock(&self.open).len() as u64,
            refused: self.refused.load(Ordering::Relaxed),
            octets: self.octets.load(Ordering::Relaxed),
            failed: lock(&self.failure).clone(),
        }
    }

    /// Writes what is still open, and the end mark. Nothing is recorded after that.
    pub(super) fn end(&self) -> io::Result<()> {
        let open: Vec<Arc<Exchange>> = lock(&self.open).values().cloned().collect();
        for exchange in open {
            exchange.leave_open();
        }
        if let Some(queue) = lock(&self.queue).take() {
            let missed = *lock(&self.missed);
            let at = jiff::Timestamp::now().as_microsecond();
            let at = missed.is_none().then_some(Timestamp(at));
            let _ = queue.send(Job::End(EndMark { at, refused: self.refused.load(Ordering::Relaxed), missed }));
        }
        let thread = lock(&self.thread).take();
        let ended = thread.map(|thread| thread.join().unwrap_or_else(|_| Err(io::Error::other("the writer broke"))));
        ended.unwrap_or(Ok(()))
    }

    /// The thread.
    fn write(&self, mut writer: Writer, jobs: &Receiver<Job>) -> io::Result<()> {
        let (mut next, mut written) = (Instant::now() + TICK, true);
        loop {
            let mut batch = Vec::new();
            let mut mark = None;
            match jobs.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(Job::Entry(entry, done)) => batch.push((entry, done)),
                Ok(Job::End(end)) => mark = Some(end),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => mark = Some(EndMark::default()),
            }
            while let (None, true, Ok(job)) = (&mark, batch.len() < BATCH, jobs.try_recv()) {
                match job {
                    Job::Entry(entry, done) => batch.push((entry, done)),
                    Job::End(end) => mark = Some(end),
                }
            }
            // An entry takes the place of the open ones behind it.
            written |= !batch.is_empty();
            self.append(&mut writer, batch);
            self.octets.store(writer.length(), Ordering::Relaxed);
            if let Some(mark) = mark {
                return writer.end(&mark);
            }
            if Instant::now() >= next {
                let began = Instant::now();
                self.tick(&mut writer, written);
                // Of the time of one processor it takes a twentieth at most.
                (next, written) = (Instant::now() + TICK.max(began.elapsed() * 20), false);
            }
        }
    }

    /// Writes the batch; where the whole does not fit, each alone.
    fn append(&self, writer: &mut Writer, batch: Vec<(Bytes, oneshot::Sender<bool>)>) {
        let sync = |writer: &Writer| if self.sync { writer.sync() } else { Ok(()) };
        let entries: Vec<&Bytes> = batch.iter().map(|(entry, _)| entry).collect();
        let together = writer.append(&entries).is_ok();
        let synced = if together && !batch.is_empty() { sync(writer) } else { Ok(()) };
        for (entry, done) in batch {
            let written = match (together, &synced) {
                (true, Ok(())) => Ok(()),
                (true, Err(error)) => Err(io::Error::new(error.kind(), error.to_string())),
                (false, _) => writer.append(&[&entry]).and_then(|()| sync(writer)),
            };
            self.note(&written);
            self.release(entry.len());
            if written.is_ok() {
                self.exchanges.fetch_add(1, Ordering::Relaxed);
                lock(&self.subscribers).retain(|subscriber| subscriber.send(entry.clone()).is_ok());
            }
            // Whoever asked may be gone: a client that vanished.
            let _ = done.send(written.is_ok());
        }
    }

    fn note(&self, written: &io::Result<()>) {
        let failed = written.as_ref().err().map(|error| error.to_string());
        if let Some(why) = &failed {
            self.miss("the recording could not be written for a time");
            self.notice(format!("the recording cannot be written: {why}; requests are refused until it can"));
        }
        if failed.is_some() || self.failed.load(Ordering::Relaxed) {
            self.failed.store(failed.is_some(), Ordering::Relaxed);
            *lock(&self.failure) = failed;
        }
    }

    /// What is done between jobs: open exchanges, and whether a full disk has room again.
    fn tick(&self, writer: &mut Writer, anew: bool) {
        if self.failed.load(Ordering::Relaxed) {
            let room = writer.has_room(ROOM);
            self.note(&room);
        }
        let open: Vec<Arc<Exchange>> = lock(&self.open).values().cloned().collect();
        // Every one is asked, so that the next tick sees what is new then.
        let changed = open.iter().filter(|exchange| exchange.changed()).count() > 0;
        if !(anew || changed) {
            return;
        }
        let mut room = OPEN_ROOM;
        let mut entries = Vec::new();
        for exchange in open {
            let entry = exchange.entry_so_far(OPEN_ROOM / 16);
            if entry.len() > room {
                break;
            }
            room -= entry.len();
            entries.push(entry);
        }
        let written = writer.provisional(&entries);
        self.note(&written);
        self.octets.store(writer.length(), Ordering::Relaxed);
    }
}
