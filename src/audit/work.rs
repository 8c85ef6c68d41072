//! Hands out work by bytes: as many recordings at once as their sizes allow, large ones first.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

/// How much may be in work at once.
#[derive(Debug, Clone, Copy)]
pub struct Capacity {
    /// Threads.
    pub threads: usize,
    /// Octets that the recordings in work may need together.
    pub bytes: u64,
}

impl Default for Capacity {
    /// All cores, and 1 GiB.
    fn default() -> Self {
        Capacity { threads: std::thread::available_parallelism().map_or(1, usize::from), bytes: 1 << 30 }
    }
}

/// Recordings in work for each thread: enough that no thread waits for the one that hands out.
const ABREAST: usize = 3;

/// Octets of the stack of a thread. While it waits for a part of one recording, a thread may take up another.
const STACK: usize = 16 << 20;

/// Where jobs come from.
pub(super) trait Supply<J> {
    /// Gets the next one ready, however long that takes.
    fn prepare(&mut self);
    /// A job that `fits`, with its cost.
    fn next(&mut self, fits: impl Fn(u64) -> bool) -> Next<J>;
}

/// What a supply has.
pub(super) enum Next<J> {
    /// This one, at this cost.
    Job(J, u64),
    /// None that fits now.
    Wait,
    /// None any more.
    End,
}

/// All jobs, known before: the largest first, and small ones meanwhile where the largest does not fit.
pub(super) struct Sorted<J>(VecDeque<(u64, J)>);

impl<J> Sorted<J> {
    pub(super) fn new(jobs: impl IntoIterator<Item = J>, cost: impl Fn(&J) -> u64) -> Self {
        let mut jobs: Vec<(u64, J)> = jobs.into_iter().map(|job| (cost(&job), job)).collect();
        jobs.sort_by_key(|(cost, _)| std::cmp::Reverse(*cost));
        Sorted(jobs.into())
    }
}

impl<J> Supply<J> for Sorted<J> {
    fn prepare(&mut self) {}

    fn next(&mut self, fits: impl Fn(u64) -> bool) -> Next<J> {
        let (Some((first, _)), Some((last, _))) = (self.0.front(), self.0.back()) else { return Next::End };
        let taken = if fits(*first) {
            self.0.pop_front()
        } else if fits(*last) {
            self.0.pop_back()
        } else {
            None
        };
        taken.map_or(Next::Wait, |(cost, job)| Next::Job(job, cost))
    }
}

/// Jobs as they come, in their order.
pub(super) struct Stream<J, I> {
    jobs: I,
    next: Option<(u64, J)>,
    cost: fn(&J) -> u64,
}

impl<J, I: Iterator<Item = J>> Stream<J, I> {
    pub(super) fn new(jobs: I, cost: fn(&J) -> u64) -> Self {
        Stream { jobs, next: None, cost }
    }
}

impl<J, I: Iterator<Item = J>> Supply<J> for Stream<J, I> {
    fn prepare(&mut self) {
        if self.next.is_none() {
            self.next = self.jobs.next().map(|job| ((self.cost)(&job), job));
        }
    }

    fn next(&mut self, fits: impl Fn(u64) -> bool) -> Next<J> {
        match self.next.take() {
            None => Next::End,
            Some((cost, job)) if fits(cost) => Next::Job(job, cost),
            waiting => {
                self.next = waiting;
                Next::Wait
            }
        }
    }
}

/// Does `work` for every job, in parallel, until `stop` is set; what is in work then is finished.
///
/// The cost of a job is in octets. One that needs more than half of what there is counts as that half. Large ones leave a
/// quarter to small ones, so that no thread is idle while they last.
///
/// # Errors
///
/// The threads cannot be started.
pub(super) fn spread<J: Send>(
    mut jobs: impl Supply<J>,
    capacity: Capacity,
    stop: &AtomicBool,
    work: impl Fn(J) + Sync,
) -> std::io::Result<()> {
    let pool = pool(capacity)?;
    let gate = Gate::new(capacity.bytes, capacity.threads.max(1) * ABREAST);
    let (gate, work) = (&gate, &work);
    // This thread waits for room and hands out; those of the pool never wait for room. So a thread that takes up a job
    // while it waits for a part of another cannot block what that other one holds.
    pool.in_place_scope(|scope| {
        while !stop.load(Ordering::Relaxed)
            && let Some((job, room)) = gate.enter(&mut jobs)
        {
            scope.spawn(move |_| {
                let _room = room;
                if !stop.load(Ordering::Relaxed) {
                    work(job);
                }
            });
        }
    });
    Ok(())
}

/// Threads that work.
///
/// # Errors
///
/// They cannot be started.
pub(super) fn pool(capacity: Capacity) -> std::io::Result<rayon::ThreadPool> {
    let builder = rayon::ThreadPoolBuilder::new().num_threads(capacity.threads.max(1)).stack_size(STACK);
    builder.thread_name(|number| format!("{THREADS}{number}")).build().map_err(std::io::Error::other)
}

/// The beginning of the names of the threads that work.
pub const THREADS: &str = "audit-";

/// Lets in what there is room for.
struct Gate {
    inside: Mutex<Inside>,
    left: Condvar,
    bytes: u64,
    count: usize,
}

#[derive(Default)]
struct Inside {
    bytes: u64,
    count: usize,
}

impl Gate {
    fn new(bytes: u64, count: usize) -> Gate {
        Gate { inside: Mutex::default(), left: Condvar::new(), bytes, count }
    }

    /// Waits until there is room for a job; one may always be alone. `None` where there is no job any more.
    fn enter<J>(&self, jobs: &mut impl Supply<J>) -> Option<(J, Room<'_>)> {
        jobs.prepare();
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let fits = |cost: u64| {
                let cost = self.counted(cost);
                // A large one leaves a quarter to small ones.
                let bytes = if cost > self.bytes / 4 { self.bytes - self.bytes / 4 } else { self.bytes };
                inside.count == 0 || inside.count < self.count && inside.bytes.saturating_add(cost) <= bytes
            };
            match jobs.next(fits) {
                Next::End => return None,
                Next::Wait => inside = self.left.wait(inside).unwrap_or_else(PoisonError::into_inner),
                Next::Job(job, cost) => {
                    let bytes = self.counted(cost);
                    inside.bytes += bytes;
                    inside.count += 1;
                    return Some((job, Room { gate: self, bytes }));
                }
            }
        }
    }

    fn counted(&self, cost: u64) -> u64 {
        cost.min(self.bytes / 2)
    }
}

/// Room that is taken until this is dropped.
struct Room<'a> {
    gate: &'a Gate,
    bytes: u64,
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        let mut inside = self.gate.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.bytes -= self.bytes;
        inside.count -= 1;
        self.gate.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, AtomicUsize};

    #[test]
    fn no_more_is_in_work_than_there_is_room_for() {
        let (inside, most, done) = (AtomicU64::new(0), AtomicU64::new(0), AtomicUsize::new(0));
        let capacity = Capacity { threads: 4, bytes: 100 };
        let sizes = (0..200).map(|n| [10, 30, 1000][n % 3]);
        let stop = AtomicBool::new(false);
        spread(Sorted::new(sizes, |size| *size), capacity, &stop, |size: u64| {
            let size = size.min(50);
            most.fetch_max(inside.fetch_add(size, Ordering::SeqCst) + size, Ordering::SeqCst);
            std::thread::yield_now();
            inside.fetch_sub(size, Ordering::SeqCst);
            done.fetch_add(1, Ordering::SeqCst);
        })
        .unwrap();
        assert_eq!(done.into_inner(), 200);
        assert!(most.into_inner() <= 100);
    }

    #[test]
    fn a_large_one_does_not_keep_the_others_waiting() {
        // The large one ends only when all small ones are done: beside it, not after it.
        let small = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        let sizes = std::iter::once(1_000_000).chain(std::iter::repeat_n(1, 50)).chain([2_000_000]);
        spread(Sorted::new(sizes, |size| *size), Capacity { threads: 2, bytes: 100 }, &stop, |size: u64| {
            if size == 1 {
                small.fetch_add(1, Ordering::SeqCst);
            } else {
                while small.load(Ordering::SeqCst) < 50 {
                    std::thread::yield_now();
                }
            }
        })
        .unwrap();
        assert_eq!(small.into_inner(), 50);
    }

    #[test]
    fn after_the_stop_nothing_is_begun() {
        let stop = AtomicBool::new(false);
        let done = AtomicUsize::new(0);
        spread(Stream::new(0..1000, |_| 1), Capacity { threads: 1, bytes: 10 }, &stop, |_| {
            if done.fetch_add(1, Ordering::SeqCst) == 4 {
                stop.store(true, Ordering::SeqCst);
            }
        })
        .unwrap();
        assert_eq!(done.into_inner(), 5);
    }
}
