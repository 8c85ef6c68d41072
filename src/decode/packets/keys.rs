//! The key logs of a recording: those given with it, and those inside it.

use super::file::pcapng;
use super::tls::KeyLog;
use crate::capture::content::Content;
use crate::capture::open::open;
use crate::decode::ReadOptions;

/// The secrets of every key log, and what could not be read of them.
pub(super) fn collect(content: &Content, options: &ReadOptions) -> (KeyLog, Vec<String>) {
    let mut keys = KeyLog::default();
    let mut problems = Vec::new();
    for path in &options.keylogs {
        let name = path.display();
        match open(path, &options.limits, false) {
            Ok(opened) => {
                problems.extend(opened.problems.iter().map(|problem| format!("key log {name}: {problem}")));
                let (found, unread) = KeyLog::parse(&opened.content);
                problems.extend(unread.message().map(|problem| format!("key log {name}: {problem}")));
                keys.merge(found);
            }
            Err(error) => problems.push(format!("key log {name}: {error}")),
        }
    }
    for block in pcapng::key_logs(content) {
        let (found, unread) = KeyLog::parse(&block);
        problems.extend(unread.message().map(|problem| format!("key log in the recording: {problem}")));
        keys.merge(found);
    }
    (keys, problems)
}
