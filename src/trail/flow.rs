//! Authorization attempts: from the refusal that began one to its token or its failure.

use super::Flow;
use super::bind::is_usable;
use super::record::{Record, RecordId};
use super::schema::{Field, Kind};

/// The attempts of a trail, in time order. A usable token ends one; a refusal after it, or a new authorization request
/// after the last one was answered, begins the next. MCP exchanges belong to the attempt whose token is the newest.
pub(crate) fn flows(records: &[Record]) -> Vec<Flow> {
    let mut flows: Vec<Flow> = Vec::new();
    let mut current = Flow::default();
    for (at, record) in records.iter().enumerate() {
        let id = RecordId(at as u32);
        let is_refusal = record.kind == Kind::McpExchange && matches!(record.number(Field::Status), Some(401 | 403));
        if is_refusal && current.token.is_some() {
            // The refused exchange is the last of the attempt that gave the token, and the trigger of the next.
            current.records.push(id);
            flows.push(std::mem::take(&mut current));
        }
        if is_refusal && current.trigger.is_none() {
            current.trigger = Some(id);
        }
        if current.records.last() != Some(&id) {
            current.records.push(id);
        }
        if record.kind == Kind::TokenResponse && is_usable(record) {
            current.token = Some(id);
        }
    }
    if !current.records.is_empty() {
        flows.push(current);
    }
    flows
}
