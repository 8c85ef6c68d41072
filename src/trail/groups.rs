//! Records that stand for several exchanges: sessions, uses of a token, discoveries, step-ups.

use std::sync::Arc;

use foldhash::{HashMap, HashSet};

use super::bind::is_accepted;
use super::read::content::Content;
use super::read::urls;
use super::record::{Record, State, Value};
use super::schema::{Field, Kind};
use super::view::View;
use crate::capture::limits::Limits;
use crate::decode::exchange::Unknown;

/// All groups of a trail. Their bindings, and the fields that bindings tell, are set later.
pub(crate) fn groups(records: &[Record], views: &[View<'_>], limits: &Limits) -> Vec<Record> {
    let mut groups = sessions(records, views, limits);
    groups.extend(token_uses(records));
    groups.extend(discoveries(records));
    groups.extend(step_ups(records));
    groups.extend(super::eras::server_era(records));
    groups
}

fn own(records: &[Record], kind: Kind) -> impl Iterator<Item = &Record> {
    records.iter().filter(move |record| record.kind == kind && !record.is_upstream)
}

fn number(number: usize) -> State {
    State::Present(Value::Number(i64::try_from(number).unwrap_or(i64::MAX)))
}

fn sessions(records: &[Record], views: &[View<'_>], limits: &Limits) -> Vec<Record> {
    let mut sessions: Vec<Record> = Vec::new();
    let mut known: HashSet<&str> = HashSet::default();
    let mut uses: HashMap<&str, Vec<&Record>> = HashMap::default();
    for record in own(records, Kind::McpExchange) {
        if let Some(id) = record.text(Field::SessionId) {
            uses.entry(id).or_default().push(record);
        }
    }
    for record in own(records, Kind::McpExchange).filter(|record| is_accepted(record)) {
        let opens = record.text(Field::JsonrpcMethod) == Some("initialize");
        let Some(id) = record.text(Field::ResponseSessionId).filter(|_| opens) else { continue };
        if known.insert(id) {
            let uses = uses.get(id).map_or(&[][..], Vec::as_slice);
            sessions.push(session(record, id, uses, views, limits));
        }
    }
    sessions
}

fn session(initialize: &Record, id: &str, uses: &[&Record], views: &[View<'_>], limits: &Limits) -> Record {
    let mut session = Record::new(Kind::Session, initialize.exchange);
    session.set(Field::SessionId, State::text(Some(id)), "response.header.mcp-session-id");
    session.set(Field::OpenedByStatus, initialize.state(Field::Status).clone(), "response.status");
    let version = match views.get(initialize.exchange.0 as usize).map(|view| view.content(limits)) {
        Some(Err(reason)) => State::Unknown(reason),
        Some(Ok(content)) => match content.and_then(Content::initialize_result) {
            Some(version) => State::text(Some(version)),
            // A session was opened, so a version was negotiated: the recorder lost the stream that says which.
            None => State::Unknown(Unknown::BodyNotRecorded),
        },
        None => State::Unknown(Unknown::ResponseNotRecorded),
    };
    session.set(Field::Version, version, "response.body.result.protocolVersion");
    session.set(Field::IdReadable, id_readable(initialize), "response.header.access-control-expose-headers");
    let uses: Vec<&Record> = uses.iter().copied().filter(|other| other.exchange > initialize.exchange).collect();
    let accepted = uses.iter().map_while(|other| verdict(other).filter(|accepted| *accepted)).count();
    session.set(Field::AcceptedUses, number(accepted), "response.status");
    // Only uses with the same token say something about the session alone.
    let token = uses.first().and_then(|first| first.text(Field::Bearer));
    let with_token = uses.iter().filter(|other| other.text(Field::Bearer) == token);
    session.set(Field::VerdictChanges, number(changes(with_token.copied())), "response.status");
    session.set(Field::InstanceMarksDiffer, instance_marks_differ(&uses, views), "response.header");
    session
}

/// Whether the server took a request as authorized and in session; `None` where its answer tells neither.
fn verdict(record: &Record) -> Option<bool> {
    match record.number(Field::Status) {
        Some(200..=299) => Some(true),
        Some(400 | 401 | 404) => Some(false),
        _ => None,
    }
}

/// How often the verdict turns over.
fn changes<'a>(uses: impl Iterator<Item = &'a Record>) -> usize {
    let verdicts: Vec<bool> = uses.filter_map(verdict).collect();
    verdicts.windows(2).filter(|pair| pair.first() != pair.last()).count()
}

/// Whether the client could read the id: a page of another origin only where the answer exposes it (Fetch, 3.3.3).
fn id_readable(initialize: &Record) -> State {
    match (initialize.state(Field::CrossOrigin), initialize.state(Field::ExposedHeaders)) {
        (State::Present(Value::Flag(false)), _) => State::Present(Value::Flag(true)),
        (State::Present(_), State::Present(Value::List(exposed))) => {
            State::Present(Value::Flag(exposed.iter().any(|name| &**name == "mcp-session-id")))
        }
        (State::Unknown(reason) | State::Unread(reason), _) => State::Unknown(*reason),
        _ => State::Unknown(Unknown::Opaque),
    }
}

/// Whether headers that name the instance which answered differ between the uses; absent where none names one.
fn instance_marks_differ(uses: &[&Record], views: &[View<'_>]) -> State {
    const MARKS: [&str; 7] = [
        "x-instance-id",
        "x-served-by",
        "x-backend-server",
        "x-pod-name",
        "x-hostname",
        "fly-machine-id",
        "x-upstream",
    ];
    let marks = uses.iter().filter_map(|record| {
        let response = views.get(record.exchange.0 as usize)?.exchange.answer.response()?;
        MARKS.iter().find_map(|mark| response.headers.get(mark))
    });
    let mut marks: Vec<&str> = marks.collect();
    if marks.is_empty() {
        return State::Absent;
    }
    marks.sort_unstable();
    marks.dedup();
    State::Present(Value::Flag(marks.len() > 1))
}

/// One record for each token and method.
fn token_uses(records: &[Record]) -> Vec<Record> {
    let mut groups: Vec<(&str, &str, Vec<&Record>)> = Vec::new();
    let mut places: HashMap<(&str, &str), usize> = HashMap::default();
    for record in own(records, Kind::McpExchange) {
        let (Some(token), Some(method)) = (record.text(Field::Bearer), record.text(Field::Method)) else { continue };
        let place = *places.entry((token, method)).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, _, uses)) => uses.push(record),
            None => groups.push((token, method, vec![record])),
        }
    }
    let group = |(token, method, uses): (&str, &str, Vec<&Record>)| {
        let first = uses.first()?;
        let mut group = Record::new(Kind::TokenUse, first.exchange);
        group.set(Field::Bearer, State::text(Some(token)), "request.header.authorization");
        group.set(Field::Method, State::text(Some(method)), "request.method");
        group.set(Field::FirstStatus, first.state(Field::Status).clone(), "response.status");
        // 400 and 404 tell of the session, not of the token.
        let of_token = uses.iter().copied().filter(|record| !matches!(record.number(Field::Status), Some(400 | 404)));
        group.set(Field::VerdictChanges, number(changes(of_token)), "response.status");
        group.set(
            Field::BearerJwtExp,
            first.state(Field::BearerJwtExp).clone(),
            "request.header.authorization.jwt.exp",
        );
        Some(group)
    };
    groups.into_iter().filter_map(group).collect()
}

/// All probes for the resource, and all for each issuer.
fn discoveries(records: &[Record]) -> Vec<Record> {
    let mut groups: Vec<(String, Vec<&Record>)> = Vec::new();
    let named = records.iter().any(|record| !record.list(Field::DocumentAuthorizationServers).is_empty());
    for record in records.iter().filter(|record| !record.is_upstream) {
        let target = match record.kind {
            Kind::ResourceMetadataRequest => String::new(),
            Kind::AsMetadataRequest => issuer_asked(record, named),
            _ => continue,
        };
        match groups.iter_mut().find(|(known, _)| *known == target) {
            Some((_, probes)) => probes.push(record),
            None => groups.push((target, vec![record])),
        }
    }
    let advertised = own(records, Kind::McpExchange)
        .filter_map(|exchange| exchange.text(Field::ChallengeResourceMetadata))
        .map(|url| urls::normal(url).into_owned())
        .collect();
    groups.iter().filter_map(|(_, probes)| discovery(records, probes, &advertised)).collect()
}

/// The issuer whose metadata a request is for, as far as its URL tells: all of an origin go together where it does not,
/// and where no resource metadata names an issuer.
fn issuer_asked(record: &Record, named: bool) -> String {
    let expected = record.text(Field::ExpectedIssuer).filter(|_| named).map(str::to_owned);
    expected.or_else(|| record.text(Field::Url).and_then(urls::origin)).unwrap_or_default()
}

fn discovery(records: &[Record], probes: &[&Record], advertised: &HashSet<String>) -> Option<Record> {
    let first = probes.first()?;
    let mut group = Record::new(Kind::Discovery, first.exchange);
    let is_resource = first.kind == Kind::ResourceMetadataRequest;
    group.set(Field::Target, State::text(Some(if is_resource { "resource" } else { "issuer" })), "request.url");
    let succeeded = probes.iter().position(|probe| gives_a_document(probe));
    let until = succeeded.map_or(probes.len(), |at| at + 1);
    let mut forms: Vec<Arc<str>> = Vec::new();
    for form in probes.iter().take(until).map(|probe| form_of(probe, advertised)) {
        if !forms.iter().any(|known| **known == *form) {
            forms.push(form.into());
        }
    }
    // A recording that begins in the middle of a discovery does not show what was asked first.
    let begins = records.first().is_some_and(|record| record.exchange == first.exchange);
    let is_whole = !begins || begins_in_order(first);
    let forms = if is_whole { State::Present(Value::List(forms)) } else { State::Unknown(Unknown::StepNotRecorded) };
    group.set(Field::Forms, forms, "request.url");
    group.set(Field::Count, number(probes.len()), "request.url");
    group.set(Field::HasPath, has_path(first, records), "request.url");
    let found = succeeded.and_then(|at| probes.get(at)).map(|probe| form_of(probe, advertised));
    let answered = probes.iter().all(|probe| !matches!(probe.state(Field::Status), State::Unknown(_)));
    let succeeded = match (succeeded, answered) {
        (Some(_), _) => State::Present(Value::Flag(true)),
        (None, true) => State::Present(Value::Flag(false)),
        (None, false) => State::Unknown(Unknown::ResponseNotRecorded),
    };
    let found_at = match (found, answered) {
        (None, false) => State::Unknown(Unknown::ResponseNotRecorded),
        (found, _) => State::text(found.as_deref()),
    };
    group.set(Field::FoundAt, found_at, "request.url");
    group.set(Field::Succeeded, succeeded, "response.body");
    Some(group)
}

/// Whether a probe is one with which a discovery begins (MCP 2025-11-25, authorization server metadata discovery; RFC 9728,
/// 3.1): what others ask for after it went without answer tells that something came before.
fn begins_in_order(probe: &Record) -> bool {
    match probe.kind {
        Kind::AsMetadataRequest => probe.text(Field::Sort) == Some("oauth"),
        _ => probe.text(Field::Form) == Some("path-inserted"),
    }
}

/// A document that can be used, or a success whose body the recording does not hold.
fn gives_a_document(probe: &Record) -> bool {
    let member =
        if probe.kind == Kind::ResourceMetadataRequest { Field::DocumentResource } else { Field::DocumentIssuer };
    let success = matches!(probe.number(Field::Status), Some(200..=299 | 304));
    success && !matches!(probe.state(member), State::Absent)
}

fn form_of(probe: &Record, advertised: &HashSet<String>) -> String {
    let form = probe.text(Field::Form).unwrap_or("other");
    if probe.kind == Kind::AsMetadataRequest {
        return format!("{}:{form}", probe.text(Field::Sort).unwrap_or("oauth"));
    }
    let url = probe.text(Field::Url).unwrap_or_default();
    if advertised.contains(&*urls::normal(url)) { "advertised".to_owned() } else { form.to_owned() }
}

/// Whether the identifier has a path: of the resource the MCP endpoint's, of an issuer its own.
fn has_path(probe: &Record, records: &[Record]) -> State {
    let identifier = if probe.kind == Kind::ResourceMetadataRequest {
        own(records, Kind::McpExchange).find_map(|exchange| exchange.text(Field::Url).map(urls::endpoint))
    } else {
        probe.text(Field::ExpectedIssuer).map(str::to_owned)
    };
    match identifier.as_deref().map(url::Url::parse) {
        Some(Ok(url)) => State::Present(Value::Flag(!matches!(url.path(), "" | "/"))),
        _ => State::Unknown(Unknown::Ambiguous),
    }
}

/// One record for each refusal for want of scope.
fn step_ups(records: &[Record]) -> Vec<Record> {
    let is_refusal = |record: &Record| {
        matches!(record.number(Field::Status), Some(401 | 403))
            && record.text(Field::RefusalReadsAs) == Some("insufficient")
    };
    let refusals: Vec<&Record> = own(records, Kind::McpExchange).filter(|record| is_refusal(record)).collect();
    let mut groups = Vec::new();
    let mut seen: HashMap<Option<&str>, usize> = HashMap::default();
    for refusal in &refusals {
        let mut group = Record::new(Kind::StepUp, refusal.exchange);
        let challenged = refusal.state(Field::ChallengeScope).clone();
        group.set(Field::ChallengedScope, challenged, "response.header.www-authenticate.scope");
        let attempts = seen.entry(refusal.text(Field::JsonrpcMethod)).or_default();
        *attempts += 1;
        group.set(Field::Attempts, number(*attempts), "response.status");
        groups.push(group);
    }
    groups
}
