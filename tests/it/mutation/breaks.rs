//! Ways to break one thing in a recording, chosen by what a page asks for.

use std::collections::HashSet;

use authtrail::check::evaluate::record_verdict;
use authtrail::check::language::{Operand, Page, Path, Verdict};
use authtrail::check::slots::{EvidenceSlot, Role, Shows, slots_of};
use authtrail::evidence::At;
use authtrail::trail::record::{ExchangeId, RecordId, State, Value as Told};
use authtrail::trail::{Incident, Trail};
use serde_json::{Value, json};

use super::message::folded;
use super::values;
use crate::run::text;

/// How near to the page a thing stands that is broken, nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// The field that `then` asks for, where the page is satisfied.
    Then,
    /// The field that `then` compares it with.
    OtherSide,
    /// A whole exchange that the page is satisfied with, or that a binding leads to from there.
    Exchange,
    /// A field of `when`, or of a record that the page does not apply to.
    When,
    /// Any other exchange.
    OtherExchange,
    /// What stands inside the part in which a derived field of `then` is read.
    BelowThen,
    /// What stands inside the part of another field.
    Below,
    /// Another value of an exchange that the page reads: one by which a binding is found, or a field derived.
    Value,
    /// The rest of the recording.
    Rest,
}

/// One thing that is broken.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Break {
    pub(super) entry: usize,
    pub(super) change: Change,
}

/// What is done to an entry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Change {
    /// Another value at this place of its tree; the place may be new.
    Put(String, Value),
    /// Nothing any more at this place.
    Drop(String),
    /// The entry is not there.
    Remove,
    /// The entry is there again so many times: at once, or at the end; with another value at a place, or as it was.
    Repeat { at_end: bool, times: usize, with: Option<(String, Value)> },
    /// The entry and the next one in each other's place.
    Swap,
    /// The answer of another entry.
    AnswerOf(usize),
    /// A text replaced wherever it stands.
    Everywhere(String, String),
    /// So many seconds later, alone or with everything after it.
    Shift { seconds: i64, with_rest: bool },
    /// So many seconds longer until the answer.
    Delay { seconds: i64 },
}

/// A value in the tree of an entry.
struct Node {
    pointer: String,
    /// The place in the words of [`authtrail::evidence::Part`].
    words: String,
    value: Value,
}

/// Everything in a tree, containers included.
fn nodes(tree: &Value) -> Vec<Node> {
    let mut found = Vec::new();
    for side in ["request", "response"] {
        walk(&tree[side], &format!("/{side}"), side, &mut found);
    }
    found
}

fn walk(value: &Value, pointer: &str, words: &str, found: &mut Vec<Node>) {
    found.push(Node { pointer: pointer.to_owned(), words: words.to_owned(), value: value.clone() });
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let pointer = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
                let words = match &**name {
                    "$data" => words.to_owned(),
                    // The members of a message stand below it in the words of a part, and so does `_meta`.
                    "_meta" => format!("{}._meta", words.trim_end_matches(".params").trim_end_matches(".result")),
                    name if name.starts_with('$') => words.to_owned(),
                    name => format!("{words}.{name}"),
                };
                walk(member, &pointer, &words, found);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                walk(item, &format!("{pointer}/{at}"), words, found);
            }
        }
        _ => {}
    }
}

/// The breaks of a recording for one page, those first that are likely to be felt.
pub(super) fn breaks(page: &Page, incident: &Incident, trees: &[Value]) -> Vec<Break> {
    let mut made = Breaks::default();
    for trail in &incident.trails {
        for (id, record) in trail.of_kind(page.given) {
            let is_kept = record_verdict(page, trail, id).verdict == Verdict::Satisfied;
            made.near(entry_of(incident, record.exchange), is_kept);
            for slot in slots_of(page, trail, id) {
                if let Some(holder) = trail.record(slot.record) {
                    made.near(entry_of(incident, holder.exchange), is_kept);
                }
                let Shows::Slot(place) = slot.shows else { continue };
                let entry = entry_of(incident, place.exchange);
                made.near(entry, is_kept);
                let rank = match slot.role {
                    Role::ThenLeft if is_kept => Rank::Then,
                    Role::ThenRight if is_kept => Rank::OtherSide,
                    _ => Rank::When,
                };
                let asked = asked(page, trail, id, &slot);
                if place.part.as_str().starts_with("request.header.authorization") {
                    made.add(rank, entry, other_tokens(trees));
                }
                let (at, below) = at_part(place.part.as_str(), &trees[entry], &asked);
                let below_rank = if rank == Rank::Then { Rank::BelowThen } else { Rank::Below };
                at.into_iter().for_each(|changes| made.add(rank, entry, changes));
                below.into_iter().for_each(|changes| made.add(below_rank, entry, changes));
                if let State::Present(Told::Text(text)) = &place.state
                    && text.len() >= 8
                {
                    made.add(
                        rank.max(Rank::Exchange),
                        entry,
                        vec![Change::Everywhere(text.to_string(), "other-value".to_owned())],
                    );
                }
            }
        }
    }
    made.whole_exchanges(trees);
    let asked: Vec<Told> = std::iter::once(&page.then).chain(&page.when).flat_map(values::constants).collect();
    for (entry, tree) in trees.iter().enumerate() {
        let rank = if made.near.iter().any(|(near, _)| *near == entry) { Rank::Value } else { Rank::Rest };
        for node in nodes(tree) {
            made.add(rank, entry, at_node(&node, &asked));
        }
    }
    made.in_order()
}

/// The breaks with their rank, and their place in the list that they came in, so that each list has its turn.
#[derive(Default)]
struct Breaks {
    found: Vec<(Rank, usize, Break)>,
    /// Entries of the records that the page judges or that its bindings lead to, and whether the page is satisfied there.
    near: Vec<(usize, bool)>,
}

impl Breaks {
    fn near(&mut self, entry: usize, is_kept: bool) {
        match self.near.iter_mut().find(|(near, _)| *near == entry) {
            Some((_, kept)) => *kept |= is_kept,
            None => self.near.push((entry, is_kept)),
        }
    }

    fn add(&mut self, rank: Rank, entry: usize, changes: Vec<Change>) {
        let ranked = |(nth, change)| (rank, nth, Break { entry, change });
        self.found.extend(changes.into_iter().enumerate().map(ranked));
    }

    fn whole_exchanges(&mut self, trees: &[Value]) {
        for (entry, tree) in trees.iter().enumerate() {
            let near = self.near.iter().find(|(near, _)| *near == entry);
            let rank = if near.is_some_and(|(_, kept)| *kept) { Rank::Exchange } else { Rank::OtherExchange };
            let again = |at_end, times| Change::Repeat { at_end, times, with: None };
            let mut changes = vec![Change::Remove, again(false, 1), again(true, 1), again(false, 3), Change::Swap];
            changes.extend([-86_400, 86_400].map(|seconds| Change::Shift { seconds, with_rest: false }));
            changes.extend([-86_400, 86_400].map(|seconds| Change::Shift { seconds, with_rest: true }));
            self.add(rank, entry, changes);
            let status = |status: u16| Change::Put("/response/status".to_owned(), status.into());
            self.add(rank, entry, [401, 404, 500, 403, 200, 302].map(status).to_vec());
            let answers = (0..trees.len()).filter(|other| *other != entry).map(Change::AnswerOf);
            self.add(if rank == Rank::Exchange { Rank::Below } else { Rank::Rest }, entry, answers.collect());
            self.add(rank, entry, elsewhere(tree));
            let urls =
                trees.iter().map(|other| other["request"]["url"].clone()).filter(|url| *url != tree["request"]["url"]);
            self.add(Rank::OtherExchange, entry, urls.map(|url| Change::Put("/request/url".to_owned(), url)).collect());
        }
    }

    /// Each break once, at its best rank; within a rank the first of every list comes before the second of any.
    fn in_order(mut self) -> Vec<Break> {
        self.found.sort_by_key(|(rank, nth, _)| (*rank, *nth));
        let mut seen = HashSet::new();
        let breaks = self.found.into_iter().map(|(.., found)| found);
        breaks.filter(|found| seen.insert(found.clone())).collect()
    }
}

fn entry_of(incident: &Incident, exchange: ExchangeId) -> usize {
    match &incident.exchanges[exchange.0 as usize].at {
        At::Entry(entry) => *entry as usize,
        other => panic!("no entry: {other:?}"),
    }
}

/// The constants of the conditions in which a slot stands, and what stands on their other side.
fn asked(page: &Page, trail: &Trail, id: RecordId, slot: &EvidenceSlot<'_>) -> Vec<Told> {
    let mut found = Vec::new();
    let conditions: Vec<_> = match slot.role {
        Role::ThenLeft | Role::ThenRight => vec![&page.then],
        Role::When => page.when.iter().collect(),
    };
    for condition in conditions {
        let right = match condition.operand {
            Operand::Of(path) | Operand::OfWithin(path, _) => Some(path),
            _ => None,
        };
        if condition.path != slot.path && right != Some(slot.path) {
            continue;
        }
        found.extend(values::constants(condition));
        let other = if condition.path == slot.path { right } else { Some(condition.path) };
        found.extend(other.and_then(|path| told(trail, id, path)));
    }
    found
}

fn told(trail: &Trail, id: RecordId, path: Path) -> Option<Told> {
    let record = trail.record(id)?;
    let state = match path {
        Path::Own(field) => record.state(field),
        Path::Bound(binding, field) => trail.record(record.found(binding)?)?.state(field),
        Path::Binding(_) => return None,
    };
    match state {
        State::Present(value) => Some(value.clone()),
        _ => None,
    }
}

/// What a request carries, in the place where it does not belong; and answers of another kind to it.
fn elsewhere(tree: &Value) -> Vec<Change> {
    let put = |pointer: &str, value: Value| Change::Put(pointer.to_owned(), value);
    let mut changes = Vec::new();
    let body = &tree["request"]["body"];
    if body.get("grant_type").is_some() {
        let of_code = ["code", "code_verifier", "refresh_token", "client_secret"];
        changes.extend(
            of_code.iter().filter_map(|name| Some(put(&format!("/request/query/{name}"), body.get(name)?.clone()))),
        );
        changes.push(put("/request/header/authorization", "Basic b3RoZXI6b3RoZXI=".into()));
        changes.push(put("/request/body/client_secret", "other".into()));
        changes.push(Change::Drop("/request/header/authorization".to_owned()));
        changes.push(Change::Drop("/request/body/client_assertion".to_owned()));
    }
    if body.get("jsonrpc").is_some() {
        let id = &body["id"];
        changes.push(put("/response/body", json!({ "jsonrpc": "2.0", "id": id, "result": {} })));
        changes.push(put(
            "/response/body",
            json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32603, "message": "" } }),
        ));
        changes.push(put("/response/body", json!({ "jsonrpc": "2.0", "error": { "code": -32603, "message": "" } })));
        let error = json!({ "code": -32000, "message": "Bad Request: Mcp-Session-Id header is required" });
        let refusal = json!({ "jsonrpc": "2.0", "id": null, "error": error });
        let header = json!({ "content-type": "application/json" });
        changes.push(put("/response", json!({ "status": 400, "header": header, "body": refusal })));
        let modern = json!({ "code": -32020, "message": "Mcp-Method is missing" });
        changes.push(put("/response/body", json!({ "jsonrpc": "2.0", "id": id, "error": modern })));
    }
    if text(tree, "/request/url").contains("/.well-known/") {
        changes.extend(values::others(&tree["request"]["url"], &[]).into_iter().map(|url| put("/request/url", url)));
    }
    if tree["request"]["query"].get("state").is_some() {
        let with = Some(("/request/query/state".to_owned(), json!("other-state-of-the-same-client")));
        changes.extend([false, true].map(|at_end| Change::Repeat { at_end, times: 1, with: with.clone() }));
    }
    if let Some(target) = tree["request"]["query"].get("redirect_uri") {
        let query = json!({ "code": "other-code", "state": tree["request"]["query"]["state"] });
        let location = json!({ "$base": target, "$query": query });
        changes.push(put("/response", json!({ "status": 302, "header": { "location": location }, "body": null })));
    }
    if tree["request"]["query"].get("resource").is_some() {
        let page =
            json!({ "status": 400, "header": { "content-type": "text/html" }, "body": "<p>error: invalid_target" });
        changes.push(put("/response", page));
    }
    if tree["request"]["header"].get("authorization").is_some() {
        let with = |status: u16| Some(("/response/status".to_owned(), status.into()));
        changes.extend([200, 401].map(|status| Change::Repeat { at_end: true, times: 1, with: with(status) }));
        let challenge = "Bearer error=\"invalid_token\"";
        let refused = json!({ "status": 401, "header": { "www-authenticate": challenge }, "body": null });
        changes.push(put("/response", refused));
    }
    if tree["response"]["header"].get("location").is_some() {
        let own = tree["request"]["query"].as_object().into_iter().flatten();
        let urls = own.filter(|(_, value)| value.as_str().is_some_and(|text| text.contains("://")));
        changes.extend(urls.map(|(_, value)| put("/response/header/location", value.clone())));
    }
    changes
}

/// What else was issued in the recording, in the place of the token.
fn other_tokens(trees: &[Value]) -> Vec<Change> {
    let issued = |name: &'static str| trees.iter().filter_map(move |tree| tree["response"]["body"].get(name));
    ["id_token", "refresh_token", "access_token"]
        .into_iter()
        .flat_map(issued)
        .flat_map(|token| ["Bearer", "DPoP"].map(|scheme| format!("{scheme} {}", folded(token))))
        .map(|header| Change::Put("/request/header/authorization".to_owned(), header.into()))
        .collect()
}

/// Ways to change what a field reads, by the part in which it stands: at that place, and below it.
fn at_part(part: &str, tree: &Value, asked: &[Told]) -> (Vec<Vec<Change>>, Vec<Vec<Change>>) {
    if let Some(side) = part.strip_suffix(".time") {
        return (vec![in_time(side)], Vec::new());
    }
    let part = part.replace(".jwt", "").replace("response.body.event.data", "response.body");
    let (part, is_prefix) = part.strip_suffix('*').map_or((&*part, false), |stem| (stem, true));
    let nodes = nodes(tree);
    let is_it = |node: &&Node| node.words == part || (is_prefix && node.words.starts_with(part));
    let whole = if part == "request.url" { "request.query" } else { part };
    let below = |node: &&Node| node.words.strip_prefix(whole).is_some_and(|rest| rest.starts_with('.'));
    // A text that is not opened any further holds the part.
    let holds = |node: &&Node| {
        node.value.is_string() && part.strip_prefix(&node.words).is_some_and(|rest| rest.starts_with('.'))
    };
    let exact: Vec<&Node> = nodes.iter().filter(is_it).collect();
    let mut at: Vec<Vec<Change>> = exact.iter().map(|node| at_node(node, asked)).collect();
    if exact.is_empty() {
        at.extend(nodes.iter().filter(holds).map(|node| at_node(node, asked)));
        at.extend(added(part, &nodes, asked));
    }
    (at, nodes.iter().filter(below).map(|node| at_node(node, asked)).collect())
}

fn in_time(side: &str) -> Vec<Change> {
    const SECONDS: [i64; 5] = [1, 60, 3600, 86_400, 40 * 86_400];
    if side == "response" {
        return SECONDS.map(|seconds| Change::Delay { seconds }).to_vec();
    }
    let signs = SECONDS.iter().flat_map(|seconds| [*seconds, -seconds]);
    signs.flat_map(|seconds| [true, false].map(|with_rest| Change::Shift { seconds, with_rest })).collect()
}

fn at_node(node: &Node, asked: &[Told]) -> Vec<Change> {
    let put = |value| Change::Put(node.pointer.clone(), value);
    if node.pointer == "/response/status" {
        let numbers = asked.iter().filter_map(|told| match told {
            Told::Number(number) => Some(*number),
            _ => None,
        });
        // No 0: an answer without status is one that was not recorded.
        let numbers = numbers.chain([200, 202, 302, 400, 401, 403, 404, 405, 500]);
        return numbers
            .filter(|number| *number >= 100 && node.value != *number)
            .map(|number| put(number.into()))
            .collect();
    }
    let is_container = node.pointer.matches('/').count() < 2 || node.pointer.ends_with("/header");
    if is_container {
        return Vec::new();
    }
    let mut changes: Vec<Change> = values::others(&node.value, asked).into_iter().map(put).collect();
    if ["/request/header/", "/response/header/", "/request/query/", "/request/body/"]
        .iter()
        .any(|place| node.pointer.strip_prefix(place).is_some_and(|name| !name.contains('/')))
    {
        changes.extend(values::twice(&node.value).map(put));
    }
    if node.pointer != "/request/method" {
        changes.insert(0, Change::Drop(node.pointer.clone()));
    }
    changes
}

/// Something new where a field looks and finds nothing.
fn added(part: &str, nodes: &[Node], asked: &[Told]) -> Vec<Vec<Change>> {
    let container = |node: &&Node| {
        let is_container = node.value.is_object()
            && node.value.as_object().is_some_and(|members| !members.keys().any(|name| name.starts_with('$')));
        is_container && part.strip_prefix(&node.words).is_some_and(|rest| rest.starts_with('.'))
    };
    let deepest = nodes.iter().filter(container).map(|node| node.words.len()).max();
    let containers = nodes.iter().filter(container).filter(|node| Some(node.words.len()) == deepest);
    let mut changes = Vec::new();
    for node in containers {
        let name = &part[node.words.len() + 1..];
        let name = if name.contains('/') { name.replace('/', "~1") } else { name.replace('.', "/") };
        let pointer = format!("{}/{name}", node.pointer);
        changes.push(values::new(asked).into_iter().map(|value| Change::Put(pointer.clone(), value)).collect());
    }
    changes
}
