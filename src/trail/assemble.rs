//! Puts trails together: one client at one MCP endpoint.

use foldhash::{HashMap, HashSet};

use super::bind::{self, Pairs};
use super::classify::{Directory, classify};
use super::clocks;
use super::derive;
use super::flow;
use super::groups;
use super::identity::{self, Clients};
use super::key_sets::KeySets;
use super::read::urls;
use super::record::{ExchangeId, Record};
use super::renamed;
use super::revision;
use super::schema::{Field, Kind, Revision};
use super::sightings;
use super::steps::{self, Context};
use super::twins;
use super::view::View;
use super::window::{Steps, Windows};
use super::{Incident, Trail};
use crate::capture::limits::Limits;
use crate::decode::CaptureFacts;
use crate::decode::exchange::Exchange;
use crate::evidence::{CaptureId, Refused, Timestamp};

/// How trails are built.
#[derive(Debug, Clone, Default)]
pub struct BuildOptions {
    /// Limits of the readers.
    pub limits: Limits,
    /// The revision to assume whatever the recording shows; `None` to decide from evidence.
    pub assume_revision: Option<Revision>,
}

/// Reconstructs the trails of one incident from its exchanges.
pub fn build(exchanges: Vec<Exchange>, captures: &[CaptureFacts], options: &BuildOptions) -> Incident {
    let end_marks = captures.iter().filter_map(|facts| Some((facts.id, facts.end_mark?))).collect::<Vec<_>>();
    let mut refused: Vec<Refused> = captures.iter().flat_map(|facts| facts.refused.iter().copied()).collect();
    let mut exchanges = exchanges;
    let clock_offsets = set_clocks(&mut exchanges, captures.len(), &options.limits);
    for refused in &mut refused {
        let offset = clock_offsets.get(refused.capture.0 as usize).copied().unwrap_or(0);
        refused.at = Timestamp(refused.at.0.saturating_add(offset));
    }
    refused.sort_by_key(|refused| refused.at);
    let exchanges = in_time_order(exchanges);
    let ordinals = ordinals(&exchanges);
    let (views, roles, directory) = read(&exchanges, &options.limits);
    let twins = twins::twins(&views, &options.limits);
    let hops = sightings::hops(&views, &roles, &options.limits);
    let records = all_records(&views, &roles, &directory, &hops, &options.limits);
    let hops = twins::between_first(hops, &twins);
    let pairs = Pairs { preflights: pair_preflights(&views, &roles), hops, twins };
    let mut records = mark_upstream(join_twins(records, &pairs), &pairs);
    renamed::leave_open_signed_names(&mut records, &views, &pairs.hops);
    let mut clients = identity::clients(&views, &roles, &records, &directory);
    let with_their_request =
        pairs.preflights.iter().copied().chain(pairs.hops.iter().chain(&pairs.twins).map(|(near, far)| (*far, *near)));
    for (follower, request) in with_their_request {
        let client = clients.of_exchange.get(identity::index(request)).copied().flatten();
        if let Some(slot) = clients.of_exchange.get_mut(identity::index(follower)) {
            *slot = client;
        }
    }
    let key_sets = KeySets::gather(&views, &roles, &directory, &options.limits);
    let assembly = Assembly {
        directory: &directory,
        views: &views,
        exchanges: &exchanges,
        pairs: &pairs,
        key_sets: &key_sets,
        end_marks,
        refused: &refused,
        options,
    };
    let trails = assembly.trails(records, &clients);
    let mut trail_of = vec![None; exchanges.len()];
    for (at, trail) in trails.iter().enumerate() {
        for id in &trail.exchanges {
            if let Some(slot) = trail_of.get_mut(identity::index(*id)) {
                *slot = Some(at);
            }
        }
    }
    drop(views);
    Incident { exchanges, ordinals, roles, trail_of, trails, clock_offsets }
}

/// Reads each exchange and tells what it is.
fn read<'a>(exchanges: &'a [Exchange], limits: &Limits) -> (Vec<View<'a>>, Vec<Option<Kind>>, Directory) {
    let mut views: Vec<View<'_>> = exchanges.iter().map(|exchange| View::new(exchange, limits)).collect();
    let (roles, directory) = classify(&views, limits);
    for (view, _) in views.iter_mut().zip(&roles).filter(|(_, role)| role.is_some()) {
        view.open(limits);
    }
    (views, roles, directory)
}

/// Sets the clocks of all recordings to that of the first, and says by how much.
fn set_clocks(exchanges: &mut [Exchange], captures: usize, limits: &Limits) -> Vec<i64> {
    if captures < 2 {
        return vec![0; captures];
    }
    let (views, roles, directory) = read(exchanges, limits);
    let records = all_records(&views, &roles, &directory, &[], limits);
    let offsets = clocks::offsets(&views, &records, captures, limits);
    drop(views);
    for exchange in exchanges {
        let offset = offsets.get(exchange.capture.0 as usize).copied().unwrap_or(0);
        let shift = |time: Timestamp| Timestamp(time.0.saturating_add(offset));
        exchange.sent_at = exchange.sent_at.map(shift);
        exchange.answered_at = exchange.answered_at.map(shift);
        if let Some(closed) = &mut exchange.connection.closed {
            closed.at = shift(closed.at);
        }
    }
    offsets
}

/// One record for twins: what the first recording hides comes from the other.
fn join_twins(mut records: Vec<Record>, pairs: &Pairs) -> Vec<Record> {
    if pairs.twins.is_empty() {
        return records;
    }
    let first_of: HashMap<ExchangeId, ExchangeId> = pairs.twins.iter().map(|(first, other)| (*other, *first)).collect();
    let (others, mut kept): (Vec<Record>, Vec<Record>) =
        records.drain(..).partition(|record| first_of.contains_key(&record.exchange));
    let places = kept.iter().enumerate().map(|(at, record)| ((record.exchange, record.kind), at));
    let places: HashMap<(ExchangeId, Kind), usize> = places.collect();
    for other in others {
        let first = first_of.get(&other.exchange);
        let place = first.and_then(|first| places.get(&(*first, other.kind)));
        let twin = place.and_then(|place| kept.get_mut(*place));
        if let Some(twin) = twin {
            twins::fill_from(twin, &other);
        } else if let Some(first) = first {
            // The first recording did not tell what this is.
            kept.push(Record { exchange: *first, ..other });
        }
    }
    kept.sort_by_key(|record| record.exchange);
    kept
}

/// Marks the records of further sightings. Only MCP exchanges are compared between hops; other steps are judged where
/// they were seen first.
fn mark_upstream(mut records: Vec<Record>, pairs: &Pairs) -> Vec<Record> {
    let far: HashSet<ExchangeId> = pairs.hops.iter().map(|(_, far)| *far).collect();
    for record in &mut records {
        record.is_upstream = far.contains(&record.exchange);
    }
    records.retain(|record| !record.is_upstream || record.kind == Kind::McpExchange);
    records
}

/// By time sent; exchanges without a time keep their place after the one before them.
fn in_time_order(mut exchanges: Vec<Exchange>) -> Vec<Exchange> {
    if exchanges.iter().all(|exchange| exchange.sent_at.is_some()) {
        if !exchanges.is_sorted_by_key(|exchange| exchange.sent_at) {
            // Exchanges are large: their keys are sorted first, so that each of them is moved once.
            exchanges.sort_by_cached_key(|exchange| exchange.sent_at);
        }
        return exchanges;
    }
    let mut last: Option<Timestamp> = None;
    let mut keyed: Vec<(Option<Timestamp>, Exchange)> = Vec::with_capacity(exchanges.len());
    for exchange in exchanges {
        last = exchange.sent_at.or(last);
        keyed.push((last, exchange));
    }
    keyed.sort_by_key(|(time, _)| *time);
    keyed.into_iter().map(|(_, exchange)| exchange).collect()
}

/// Place of each exchange in time order in its own recording.
fn ordinals(exchanges: &[Exchange]) -> Vec<usize> {
    let mut next: HashMap<CaptureId, usize> = HashMap::default();
    exchanges
        .iter()
        .map(|exchange| {
            let ordinal = next.entry(exchange.capture).or_default();
            *ordinal += 1;
            *ordinal - 1
        })
        .collect()
}

fn all_records(
    views: &[View<'_>],
    roles: &[Option<Kind>],
    directory: &Directory,
    hops: &[(ExchangeId, ExchangeId)],
    limits: &Limits,
) -> Vec<Record> {
    let context = Context { directory, limits };
    let mut records: Vec<Record> = views
        .iter()
        .zip(roles)
        .enumerate()
        .filter_map(|(at, (view, role))| Some(steps::records(view, ExchangeId(at as u32), (*role)?, &context)))
        .flatten()
        .collect();
    let further: HashSet<ExchangeId> = hops.iter().map(|(_, far)| *far).collect();
    records.extend(steps::authorization_responses(views, directory, &further, limits));
    records.sort_by_key(|record| record.exchange);
    records
}

/// Each preflight and the request it was for: same URL, the method it names, nearest in time (Fetch, 4.8). Recorders list
/// them before or after it.
fn pair_preflights(views: &[View<'_>], roles: &[Option<Kind>]) -> Vec<(ExchangeId, ExchangeId)> {
    const LONGEST: f64 = 30.0;
    if !roles.contains(&Some(Kind::Preflight)) {
        return Vec::new();
    }
    let mut by_url: HashMap<&str, Vec<usize>> = HashMap::default();
    for (at, view) in views.iter().enumerate() {
        by_url.entry(view.url.as_str()).or_default().push(at);
    }
    let mut pairs = Vec::new();
    for (at, view) in views.iter().enumerate() {
        if roles.get(at) != Some(&Some(Kind::Preflight)) {
            continue;
        }
        let method = view.exchange.request.headers.get("access-control-request-method").unwrap_or_default();
        let apart = |other: &usize| {
            let other = views.get(*other)?;
            Some(match (other.exchange.sent_at, view.exchange.sent_at) {
                (Some(a), Some(b)) => a.seconds_since(b).abs(),
                _ => 0.0,
            })
        };
        let fits = |other: &usize| {
            views
                .get(*other)
                .is_some_and(|other| other.method() == method && other.exchange.capture == view.exchange.capture)
        };
        // In time order, so the first that fits on either side is the nearest of that side.
        let candidates = by_url.get(view.url.as_str()).map_or(&[][..], Vec::as_slice);
        let here = candidates.partition_point(|other| *other < at);
        let near = |other: &&usize| apart(other).is_some_and(|seconds| seconds <= LONGEST);
        let before = candidates.get(..here).unwrap_or_default().iter().rev().take_while(near).find(|other| fits(other));
        let after = candidates.get(here..).unwrap_or_default().iter().take_while(near).find(|other| fits(other));
        let both = before.into_iter().chain(after).filter_map(|other| Some((*other, apart(other)?)));
        let nearest = both.min_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((actual, _)) = nearest {
            pairs.push((ExchangeId(at as u32), ExchangeId(actual as u32)));
        }
    }
    pairs
}

struct Assembly<'a> {
    directory: &'a Directory,
    views: &'a [View<'a>],
    exchanges: &'a [Exchange],
    pairs: &'a Pairs,
    key_sets: &'a KeySets,
    end_marks: Vec<(CaptureId, Timestamp)>,
    refused: &'a [Refused],
    options: &'a BuildOptions,
}

impl Assembly<'_> {
    fn trails(&self, records: Vec<Record>, clients: &Clients) -> Vec<Trail> {
        let mut trails: Vec<Trail> = Vec::new();
        let is_contested = |id: &ExchangeId| clients.contested.binary_search(id).is_ok();
        let client_of = |id: ExchangeId| clients.of_exchange.get(identity::index(id)).copied().flatten();
        let mut records_of: HashMap<usize, Vec<Record>> = HashMap::default();
        let mut shared: HashMap<Kind, ExchangeId> = HashMap::default();
        for record in records {
            match client_of(record.exchange) {
                Some(client) => records_of.entry(client).or_default().push(record),
                None => {
                    let last = shared.entry(record.kind).or_insert(record.exchange);
                    *last = (*last).max(record.exchange);
                }
            }
        }
        let mut exchanges_of: HashMap<usize, Vec<ExchangeId>> = HashMap::default();
        for (at, client) in clients.of_exchange.iter().enumerate() {
            if let Some(client) = client {
                exchanges_of.entry(*client).or_default().push(ExchangeId(at as u32));
            }
        }
        for (client, profile) in clients.profiles.iter().enumerate() {
            let belongs = |id: ExchangeId| client_of(id) == Some(client);
            let own = records_of.remove(&client).unwrap_or_default();
            let pages = exchanges_of.remove(&client).unwrap_or_default();
            let recorded: HashSet<ExchangeId> = own.iter().map(|record| record.exchange).collect();
            let steps = Steps::of(&own);
            for (server, records) in split_by_endpoint(own, self.views, &self.pairs.hops, self.directory) {
                let mut trail = self.trail(server, records, &steps, &shared);
                let is_only = trails.last().is_none_or(|last: &Trail| !last.exchanges.iter().any(|id| belongs(*id)));
                if is_only {
                    trail.exchanges.extend(pages.iter().filter(|id| !recorded.contains(id)));
                    trail.exchanges.sort();
                    trail.exchanges.dedup();
                }
                trail.contested = trail.exchanges.iter().copied().filter(is_contested).collect();
                trail.client_info = profile.info.iter().next_back().cloned();
                trail.recognised_by = profile.recognised_by.iter().copied().collect();
                trails.push(trail);
            }
        }
        trails.sort_by_key(|trail| trail.exchanges.first().copied());
        trails
    }

    fn trail(
        &self,
        server: String,
        mut records: Vec<Record>,
        of_client: &Steps,
        shared: &HashMap<Kind, ExchangeId>,
    ) -> Trail {
        derive::before_binding(&mut records, self.views, &self.pairs.preflights);
        records.extend(groups::groups(&records, self.views, &self.options.limits));
        records.extend(steps::messages(&records, self.views, &self.options.limits));
        records.sort_by_key(|record| record.exchange);
        let windows = Windows {
            of_client,
            shared,
            exchanges: self.exchanges,
            end_marks: self.end_marks.clone(),
            refused: self.refused,
            last_closed: std::cell::OnceCell::new(),
        };
        bind::bind(&mut records, &windows, self.views, self.pairs, &self.options.limits);
        derive::after_binding(&mut records, self.key_sets);
        let mut exchanges: Vec<ExchangeId> = records
            .iter()
            .flat_map(|record| record.slots.iter().map(|slot| slot.exchange).chain([record.exchange]))
            .collect();
        // Most fields stand in the exchange of their record.
        exchanges.dedup();
        exchanges.sort();
        exchanges.dedup();
        Trail {
            client_info: None,
            recognised_by: Vec::new(),
            contested: Vec::new(),
            server,
            authorization_servers: authorization_servers(&records),
            exchanges,
            stretches: revision::stretches(&records, self.options.assume_revision),
            flows: flow::flows(&records),
            implied_kinds: derive::implied_kinds(&records),
            legs: of_client.legs.clone(),
            records,
        }
    }
}

/// Issuers in order of appearance.
fn authorization_servers(records: &[Record]) -> Vec<String> {
    let mut issuers: Vec<String> = Vec::new();
    for record in records {
        let issuer = match record.kind {
            Kind::AsMetadataRequest => record.text(Field::DocumentIssuer),
            Kind::AuthorizationRequest | Kind::TokenRequest | Kind::RegistrationRequest => record.text(Field::Issuer),
            _ => None,
        };
        if let Some(issuer) = issuer.filter(|issuer| !issuers.iter().any(|known| known == issuer)) {
            issuers.push(issuer.to_owned());
        }
    }
    issuers
}

/// The records of a client by MCP endpoint. Redirects make two endpoints one: the one that the client was given. So do
/// streams that announce another one for POSTs.
fn split_by_endpoint(
    own: Vec<Record>,
    views: &[View<'_>],
    hops: &[(ExchangeId, ExchangeId)],
    directory: &Directory,
) -> Vec<(String, Vec<Record>)> {
    let endpoint_of = |record: &Record| record.text(Field::Url).map(urls::endpoint).unwrap_or_default();
    let mut led_from: HashMap<String, String> = HashMap::default();
    for record in own.iter().filter(|record| record.kind == Kind::McpExchange) {
        let location = views.get(record.exchange.0 as usize).and_then(|view| view.location.as_deref());
        if let Some(target) = location.map(urls::endpoint) {
            let source = endpoint_of(record);
            if target != source && led_from.get(&source) != Some(&target) {
                led_from.insert(target, source);
            }
        }
    }
    for (near, far) in hops {
        let at = |id: &ExchangeId| {
            let place = own.partition_point(|record| record.exchange < *id);
            own.get(place).filter(|record| record.exchange == *id).map(endpoint_of)
        };
        if let (Some(source), Some(target)) = (at(near), at(far))
            && source != target
        {
            led_from.insert(target, source);
        }
    }
    for (target, stream) in directory.announced.pairs().filter(|(target, stream)| target != stream) {
        led_from.entry(target.to_owned()).or_insert_with(|| stream.to_owned());
    }
    let canonical = |endpoint: String| {
        let once = led_from.get(&endpoint).cloned().unwrap_or(endpoint);
        // An announced endpoint whose stream was reached by a redirect.
        led_from.get(&once).cloned().unwrap_or(once)
    };
    let mut servers: Vec<String> = Vec::new();
    for record in own.iter().filter(|record| record.kind == Kind::McpExchange) {
        let server = canonical(endpoint_of(record));
        if !servers.contains(&server) {
            servers.push(server);
        }
    }
    let place = |record: &Record| match record.kind {
        Kind::McpExchange => {
            let server = canonical(endpoint_of(record));
            servers.iter().position(|known| *known == server)
        }
        _ => place_of(record, &own, &servers, &canonical),
    };
    let places: Vec<Option<usize>> = own.iter().map(place).collect();
    let mut trails: Vec<(String, Vec<Record>)> = servers.into_iter().map(|server| (server, Vec::new())).collect();
    for (record, place) in own.into_iter().zip(places) {
        if let Some((_, records)) = place.and_then(|place| trails.get_mut(place)) {
            records.push(record);
        }
    }
    trails
}

/// The endpoint on whose behalf an OAuth step was made: the one it names; else the one that was asked last.
fn place_of(
    record: &Record,
    own: &[Record],
    servers: &[String],
    canonical: &dyn Fn(String) -> String,
) -> Option<usize> {
    if servers.len() < 2 {
        return (!servers.is_empty()).then_some(0);
    }
    let named = record.list(Field::Resource).iter().map(|resource| resource.to_string());
    let named = named.chain(record.text(Field::DocumentResource).map(str::to_owned));
    for resource in named {
        let server = canonical(urls::endpoint(&resource));
        if let Some(place) = servers.iter().position(|known| *known == server) {
            return Some(place);
        }
    }
    let mcp = own.iter().filter(|other| other.kind == Kind::McpExchange);
    let last = mcp.clone().rev().find(|other| other.exchange < record.exchange).or_else(|| mcp.clone().next())?;
    let server = canonical(last.text(Field::Url).map(urls::endpoint).unwrap_or_default());
    servers.iter().position(|known| *known == server)
}
