//! What every target does with a recording.

use std::path::Path;

use authtrail::capture::limits::Limits;
use authtrail::decode::{ReadOptions, read_content};
use authtrail::evidence::CaptureId;

/// Reads `content` as a recording and opens every body: no panic, no endless loop, memory within the limits.
pub fn read(content: Vec<u8>) {
    let limits = Limits { body: 1 << 20, memory: 1 << 24, ..Limits::default() };
    let options = ReadOptions { limits, ..ReadOptions::default() };
    let (facts, exchanges) = read_content(Path::new("fuzz"), CaptureId(0), content.into(), &options);
    assert!(facts.usable || !facts.problems.is_empty());
    for exchange in exchanges {
        let _ = exchange.request.body.text(&limits);
        if let Some(response) = exchange.answer.response() {
            let _ = response.body.text(&limits);
        }
    }
}
