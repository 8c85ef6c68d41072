//! The transport of 2024-11-05: a stream announces where the client posts, and answers come on the stream (MCP
//! 2024-11-05, HTTP with SSE).

use foldhash::{HashMap, HashSet};

use super::read::jsonrpc::Sort;
use super::read::urls;
use super::view::View;
use crate::capture::limits::Limits;

/// Which endpoints belong to which stream.
#[derive(Default)]
pub(crate) struct Announced {
    /// The endpoint of the stream by the endpoint that it announces.
    stream_of: HashMap<String, String>,
    /// Endpoints of streams.
    streams: HashSet<String>,
    /// The URIs announced, as they are.
    uris: HashSet<String>,
}

impl Announced {
    /// Reads all streams. Where the recording does not hold their bodies, a message that is accepted without an answer
    /// tells: its answer can only come on a stream of the same origin.
    pub(crate) fn of(views: &[View<'_>], limits: &Limits) -> Self {
        let mut announced = Announced::default();
        let mut unread: HashMap<&str, &str> = HashMap::default();
        for view in views {
            if let Some(uri) = view.announced_uri(limits) {
                announced.learn(urls::endpoint(&uri), view.endpoint().to_owned());
                announced.uris.insert(uri);
            } else if view.is_stream() && view.content(limits).is_err() {
                unread.insert(view.origin(), view.endpoint());
            } else if view.status() == Some(202)
                && view.messages().iter().any(|message| message.sort() == Sort::Request)
            {
                let stream = unread.get(view.origin()).filter(|stream| **stream != view.endpoint());
                if let Some(stream) = stream.filter(|_| !announced.stream_of.contains_key(view.endpoint())) {
                    announced.learn(view.endpoint().to_owned(), (*stream).to_owned());
                }
            }
        }
        announced
    }

    fn learn(&mut self, target: String, stream: String) {
        self.streams.insert(stream.clone());
        self.stream_of.insert(target, stream);
    }

    /// Whether streams of this endpoint announce another one.
    pub(crate) fn is_stream(&self, endpoint: &str) -> bool {
        self.streams.contains(endpoint)
    }

    /// Whether this was announced as the place for POSTs, whatever its query. Where a stream announces its own endpoint,
    /// the query has to fit: the newer transport may be served there as well.
    pub(crate) fn is_target(&self, url: &str, endpoint: &str) -> bool {
        match self.stream_of.get(endpoint) {
            Some(stream) if stream == endpoint => self.uris.contains(url),
            other => other.is_some(),
        }
    }

    /// Every endpoint that takes POSTs, with the endpoint of its stream.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.stream_of.iter().map(|(target, stream)| (target.as_str(), stream.as_str()))
    }
}
