//! Which exchanges belong to one client.
//!
//! Strong keys join first. What they leave apart is joined by weak keys (connection, page, address, clientInfo, Origin),
//! and only where exactly one client fits; where several fit, the exchange is shared and belongs to none.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashSet};

use super::bind::is_usable;
use super::classify::Directory;
use super::keys::{KeyKind, Minted, strong_keys};
use super::record::{ExchangeId, Record, State};
use super::schema::{Field, Kind};
use super::view::View;
use crate::evidence::Timestamp;

/// Which client each exchange belongs to.
pub(crate) struct Clients {
    /// Index of the client of each exchange; `None` for what belongs to nobody or to more than one.
    pub of_exchange: Vec<Option<usize>>,
    /// One a client.
    pub profiles: Vec<Profile>,
    /// Exchanges that another client could have made as well: what they have in common with this one decided. Sorted.
    pub contested: Vec<ExchangeId>,
}

/// What is known of one client, or of exchanges that are surely of one client.
#[derive(Debug, Default)]
pub(crate) struct Profile {
    exchanges: Vec<usize>,
    /// First and last time at which a strong key was used, as positions in time order.
    span: Option<(usize, usize)>,
    connections: HashSet<(u32, String)>,
    pages: HashSet<(u32, String)>,
    /// `clientInfo` names and versions.
    pub info: BTreeSet<(String, Option<String>)>,
    origins: HashSet<String>,
    agents: HashSet<String>,
    redirect_uris: HashSet<String>,
    /// Issuer and id of dynamically registered clients.
    dynamic_clients: HashSet<(String, String)>,
    sessions: HashSet<String>,
    tokens: HashSet<String>,
    /// Endpoints and issuers that it spoke to, issuers without the slash at the end.
    peers: HashSet<String>,
    /// Issuers that resource metadata named to it, without the slash at the end.
    announced: HashSet<String>,
    /// Exchanges in which it was given a usable token.
    grants: Vec<usize>,
    /// Whether an MCP request of it carries a token, or may carry one that the exporter hides.
    uses_token: bool,
    /// Kinds of key that joined it.
    pub recognised_by: BTreeSet<&'static str>,
}

/// Finds the clients of an incident.
pub(crate) fn clients(
    views: &[View<'_>],
    roles: &[Option<Kind>],
    records: &[Record],
    directory: &Directory,
) -> Clients {
    let mut singles = profiles_of_exchanges(views, roles, records, directory);
    let mut clients: Vec<Profile> = Vec::new();
    for component in join_by_strong_keys(&mut singles, records, directory) {
        match fitting(candidates(&clients, &component), &component) {
            Fit::One(client, by) => absorb(&mut clients, client, component, by),
            Fit::None | Fit::Several => clients.push(component),
        }
    }
    let mut contested: Vec<ExchangeId> = Vec::new();
    let mut undecided: Vec<Box<Profile>> = Vec::new();
    for (at, single) in singles.into_iter().enumerate() {
        let Some(single) = single.filter(|single| !single.exchanges.is_empty()) else { continue };
        if roles.get(at) == Some(&Some(Kind::ClientMetadataFetch)) {
            // It is the authorization server that asks, on behalf of the client that named this document.
            let url = views.get(at).map(|view| view.url.as_str());
            if let Some(client) = only_client_named(&clients, records, url).and_then(|client| clients.get_mut(client)) {
                client.exchanges.push(at);
            }
            continue;
        }
        let candidates = candidates(&clients, &single);
        let has_rivals = candidates.len() > 1;
        let is_bare_request = roles.get(at) == Some(&Some(Kind::McpExchange)) && !single.uses_token;
        let beside = if has_rivals && is_bare_request { by_login(&clients, &single, views) } else { None };
        let fit = match (beside, fitting(candidates, &single)) {
            // What they have in common says the same.
            (Some(Fit::One(due, _)), Fit::One(client, by)) if due == client => Fit::One(client, by),
            // Who has no token yet asks without one.
            (Some(_), Fit::One(client, by)) if !has_token(&clients, client, at) => Fit::One(client, by),
            (Some(beside), _) => beside,
            (None, fit) => fit,
        };
        match fit {
            Fit::One(client, by) => {
                let is_contested = has_rivals && by != Some("connection");
                contested.extend(is_contested.then_some(ExchangeId(at as u32)));
                absorb(&mut clients, client, *single, by);
            }
            Fit::None if roles.get(at) != Some(&Some(Kind::Preflight)) => clients.push(*single),
            Fit::None => {}
            Fit::Several => undecided.push(single),
        }
    }
    if join_lone_login(&mut clients, roles) {
        // What either of the two may have sent is the one client's now.
        for single in undecided {
            match fitting(candidates(&clients, &single), &single) {
                Fit::One(client, by) => absorb(&mut clients, client, *single, by),
                Fit::None | Fit::Several => {}
            }
        }
    }
    Clients { contested, ..follow_pages(views, clients) }
}

/// Gives a login that begins and goes no further to the client that was just sent there: nothing of it is a key that the
/// requests to the MCP server carry. Only where one client speaks MCP in the recording, and one such login is there. The
/// metadata that names the authorization server may have been read by either: a program may have two libraries for the two.
/// Says whether there was one.
fn join_lone_login(clients: &mut Vec<Profile>, roles: &[Option<Kind>]) -> bool {
    let has_mcp =
        |profile: &Profile| profile.exchanges.iter().any(|at| roles.get(*at) == Some(&Some(Kind::McpExchange)));
    let known = (0..clients.len()).filter(|at| clients.get(*at).is_some_and(|it| has_mcp(it) || it.span.is_some()));
    let (mut speaking, mut silent): (Vec<usize>, Vec<usize>) =
        known.partition(|at| clients.get(*at).is_some_and(has_mcp));
    let (Some(client), None, Some(login), None) = (speaking.pop(), speaking.pop(), silent.pop(), silent.pop()) else {
        return false;
    };
    let fits = |client: &Profile, login: &Profile| {
        let read_here = !login.announced.is_empty() && !login.peers.is_disjoint(&client.peers);
        let is_named = |peer: &String| client.announced.contains(peer) || read_here && login.announced.contains(peer);
        let begins_after = client.exchanges.iter().min() < login.exchanges.iter().min();
        let is_first = client.dynamic_clients.is_empty() && client.grants.is_empty();
        begins_after && is_first && login.peers.iter().any(is_named) && !client.conflicts_with(login)
    };
    let joins = clients.get(client).zip(clients.get(login)).is_some_and(|(client, login)| fits(client, login));
    if joins {
        // Those behind the one that is taken out move up.
        let client = client.saturating_sub(usize::from(login < client));
        let login = clients.remove(login);
        absorb(clients, client, login, Some("login"));
    }
    joins
}

/// The client that names itself by this URL in its authorization requests, where exactly one does.
fn only_client_named(clients: &[Profile], records: &[Record], url: Option<&str>) -> Option<usize> {
    let named = |record: &&Record| {
        record.kind == Kind::AuthorizationRequest && url.is_some() && record.text(Field::ClientId) == url
    };
    let asked: Vec<usize> = records.iter().filter(named).map(|record| index(record.exchange)).collect();
    let holds = |profile: &Profile| profile.exchanges.iter().any(|at| asked.contains(at));
    let mut holders = clients.iter().enumerate().filter(|(_, profile)| holds(profile)).map(|(client, _)| client);
    holders.next().filter(|_| holders.next().is_none())
}

fn absorb(clients: &mut [Profile], client: usize, other: Profile, by: Option<&'static str>) {
    if let Some(client) = clients.get_mut(client) {
        client.recognised_by.extend(by);
        client.merge(other);
    }
}

impl Profile {
    fn merge(&mut self, other: Profile) {
        self.exchanges.extend(other.exchanges);
        self.span = match (self.span, other.span) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (span, None) | (None, span) => span,
        };
        self.connections.extend(other.connections);
        self.pages.extend(other.pages);
        self.info.extend(other.info);
        self.origins.extend(other.origins);
        self.agents.extend(other.agents);
        self.redirect_uris.extend(other.redirect_uris);
        self.dynamic_clients.extend(other.dynamic_clients);
        self.sessions.extend(other.sessions);
        self.tokens.extend(other.tokens);
        self.peers.extend(other.peers);
        self.announced.extend(other.announced);
        self.grants.extend(other.grants);
        self.uses_token |= other.uses_token;
        self.recognised_by.extend(other.recognised_by);
    }

    /// Whether the two cannot be one client.
    fn conflicts_with(&self, other: &Profile) -> bool {
        let shares_name = || self.info.iter().any(|(name, _)| other.info.iter().any(|(theirs, _)| theirs == name));
        let named_apart = !self.info.is_empty() && !other.info.is_empty() && !shares_name();
        if named_apart || differ(&self.origins, &other.origins) {
            return true;
        }
        let overlap = match (self.span, other.span) {
            (Some((a, b)), Some((c, d))) => a < d && c < b,
            _ => false,
        };
        // One client may register again, listen on another port or open another session; not both at the same time.
        overlap
            && (registered_apart(&self.dynamic_clients, &other.dynamic_clients)
                || differ(&self.redirect_uris, &other.redirect_uris)
                || (differ(&self.sessions, &other.sessions) && differ(&self.tokens, &other.tokens)))
    }
}

/// Whether both were registered dynamically at the same issuer under different ids.
fn registered_apart(ours: &HashSet<(String, String)>, theirs: &HashSet<(String, String)>) -> bool {
    ours.iter().any(|(issuer, id)| {
        let theirs: Vec<&String> = theirs.iter().filter(|(other, _)| other == issuer).map(|(_, id)| id).collect();
        !theirs.is_empty() && !theirs.contains(&id)
    })
}

/// Whether both sets say something and agree in nothing.
fn differ<T: Eq + std::hash::Hash>(a: &HashSet<T>, b: &HashSet<T>) -> bool {
    !a.is_empty() && !b.is_empty() && a.is_disjoint(b)
}

enum Fit {
    None,
    One(usize, Option<&'static str>),
    Several,
}

/// The candidate that fits, where exactly one does. Stronger weak keys decide before weaker ones.
fn fitting(candidates: Vec<(usize, &Profile)>, single: &Profile) -> Fit {
    type Shares = fn(&Profile, &Profile) -> bool;
    let tests: [(&'static str, Shares); 5] = [
        ("connection", |a, b| !a.connections.is_disjoint(&b.connections)),
        ("clientInfo", |a, b| !a.info.is_disjoint(&b.info)),
        ("page", |a, b| !a.pages.is_disjoint(&b.pages)),
        ("origin", |a, b| !a.origins.is_disjoint(&b.origins)),
        ("address", |a, b| !a.agents.is_disjoint(&b.agents)),
    ];
    let mut left = candidates;
    let mut by = None;
    for (name, shares) in tests {
        let sharing: Vec<(usize, &Profile)> =
            left.iter().copied().filter(|(_, client)| shares(client, single)).collect();
        if !sharing.is_empty() {
            by = by.or(Some(name));
            left = sharing;
        }
        if left.len() == 1 && by.is_some() {
            break;
        }
    }
    match left.as_slice() {
        [] => Fit::None,
        [(client, _)] => Fit::One(*client, by),
        _ => Fit::Several,
    }
}

/// The clients that may have made this.
fn candidates<'a>(clients: &'a [Profile], single: &Profile) -> Vec<(usize, &'a Profile)> {
    let fits = |client: &Profile| !client.conflicts_with(single) && related(client, single);
    clients.iter().enumerate().filter(|(_, client)| fits(client)).collect()
}

/// Whether a client was given a token before this exchange.
fn has_token(clients: &[Profile], client: usize, at: usize) -> bool {
    clients.get(client).is_some_and(|client| client.grants.iter().any(|grant| *grant < at))
}

/// The longest time between a refusal and the login that it begins, and between a token response and the first request
/// after it, in seconds: programs go on at once.
const AT_ONCE: f64 = 5.0;

/// Whose request without a token this is, by the login that it stands beside: it is refused just before a client registers
/// or asks for authorization, or it comes just after a client was given a token that no recorded request ever carries. Two
/// installs of one program look alike, and those that run in one process share connections; the one that goes on using
/// its token does not lose it in the moment in which the other logs in. `None` where no login is near.
fn by_login(clients: &[Profile], single: &Profile, views: &[View<'_>]) -> Option<Fit> {
    let view = single.exchanges.first().and_then(|at| views.get(*at))?;
    let sent = view.exchange.sent_at?;
    let at_once = |earlier: Timestamp, later: Timestamp| (0.0..=AT_ONCE).contains(&later.seconds_since(earlier));
    let is_just_before = |grant: &usize| {
        let granted = views.get(*grant).and_then(|view| view.exchange.answered_at.or(view.exchange.sent_at));
        granted.is_some_and(|granted| at_once(granted, sent))
    };
    let begins_login = |client: &Profile| {
        let begins = client.span.and_then(|(first, _)| views.get(first)?.exchange.sent_at);
        view.status() == Some(401) && begins.is_some_and(|begins| at_once(sent, begins))
    };
    let is_near = |client: &Profile| {
        let is_due = !client.uses_token && client.grants.iter().any(is_just_before);
        (is_due || begins_login(client)) && client.peers.contains(view.endpoint()) && !client.conflicts_with(single)
    };
    let mut near = clients.iter().enumerate().filter(|(_, client)| is_near(client)).map(|(client, _)| client);
    let first = near.next()?;
    Some(if near.next().is_some() { Fit::Several } else { Fit::One(first, Some("login")) })
}

/// Whether there is a reason to think of this client at all: they speak to the same peers, or to an issuer that was named
/// to the client, or share a weak key. That a document names an issuer says nothing of who asked for the document.
fn related(client: &Profile, single: &Profile) -> bool {
    !client.peers.is_disjoint(&single.peers)
        || !client.announced.is_disjoint(&single.peers)
        || !client.connections.is_disjoint(&single.connections)
        || !client.pages.is_disjoint(&single.pages)
        || !client.info.is_disjoint(&single.info)
        || !client.origins.is_disjoint(&single.origins)
        || !client.agents.is_disjoint(&single.agents)
}

/// What is known of an exchange alone; `None` where it is nothing. A recording holds many such exchanges.
type Single = Option<Box<Profile>>;

/// Everything known of each exchange alone.
fn profiles_of_exchanges(
    views: &[View<'_>],
    roles: &[Option<Kind>],
    records: &[Record],
    directory: &Directory,
) -> Vec<Single> {
    let mut singles: Vec<Single> = views
        .iter()
        .zip(roles)
        .enumerate()
        .map(|(at, (view, role))| role.map(|role| Box::new(profile_of(at, view, role, directory))))
        .collect();
    for record in records {
        let Some(single) = singles.get_mut(record.exchange.0 as usize) else { continue };
        let single = single.get_or_insert_default();
        let texts = |fields: &[Field]| {
            fields.iter().filter_map(|field| record.text(*field)).map(str::to_owned).collect::<Vec<_>>()
        };
        single.peers.extend(record.list(Field::Resource).iter().map(|resource| super::read::urls::endpoint(resource)));
        match record.kind {
            Kind::McpExchange => {
                single.sessions.extend(texts(&[Field::SessionId, Field::ResponseSessionId]));
                single.tokens.extend(texts(&[Field::Bearer]));
                single.uses_token |= record.state(Field::Bearer) != &State::Absent;
            }
            Kind::TokenResponse => {
                single.tokens.extend(texts(&[Field::AccessToken]));
                single.grants.extend(is_usable(record).then_some(index(record.exchange)));
            }
            Kind::AuthorizationRequest => single.redirect_uris.extend(texts(&[Field::RedirectUri])),
            Kind::TokenRequest => single.redirect_uris.extend(texts(&[Field::RedirectUri])),
            Kind::RegistrationRequest => {
                if let (Some(issuer), Some(id)) = (record.text(Field::Issuer), record.text(Field::ResponseClientId)) {
                    single.dynamic_clients.insert((issuer.to_owned(), id.to_owned()));
                }
                single.redirect_uris.extend(record.list(Field::RedirectUris).iter().map(|uri| uri.to_string()));
            }
            Kind::ResourceMetadataRequest => {
                single
                    .peers
                    .extend(texts(&[Field::DocumentResource]).iter().map(|url| super::read::urls::endpoint(url)));
                let issuers = record.list(Field::DocumentAuthorizationServers);
                single.announced.extend(issuers.iter().map(|url| url.trim_end_matches('/').to_owned()));
            }
            Kind::AsMetadataRequest => {
                // Whose metadata is asked for, whatever the document says.
                let asked = record.text(Field::Url).and_then(super::read::urls::well_known);
                single.peers.extend(asked.map(|asked| asked.identifier.trim_end_matches('/').to_owned()));
                let issuers = texts(&[Field::DocumentIssuer]);
                single.peers.extend(issuers.iter().map(|issuer| issuer.trim_end_matches('/').to_owned()));
            }
            _ => {}
        }
    }
    singles
}

fn profile_of(at: usize, view: &View<'_>, role: Kind, directory: &Directory) -> Profile {
    let exchange = view.exchange;
    let capture = exchange.capture.0;
    let mut profile = Profile { exchanges: vec![at], ..Profile::default() };
    profile.connections.extend(exchange.connection.id.iter().map(|id| (capture, id.to_string())));
    profile.pages.extend(exchange.connection.page.iter().map(|page| (capture, page.to_string())));
    profile.peers.insert(match role {
        Kind::TokenRequest | Kind::RegistrationRequest | Kind::AuthorizationRequest => {
            directory.issuer(view.endpoint()).trim_end_matches('/').to_owned()
        }
        _ => view.origin().to_owned(),
    });
    if role == Kind::McpExchange {
        profile.peers.insert(view.endpoint().to_owned());
    }
    let is_browser_leg = matches!(role, Kind::AuthorizationRequest | Kind::AuthorizationResponse | Kind::Preflight);
    // What a server asks about a token says nothing of the program that holds it.
    if is_browser_leg || role == Kind::IntrospectionRequest {
        return profile;
    }
    let headers = &exchange.request.headers;
    profile.origins.extend(headers.get("origin").filter(|origin| *origin != "null").map(str::to_owned));
    let address = exchange.connection.client.map(|address| address.ip());
    let agent = headers.get("user-agent").map(|agent| {
        let host = address.map(|ip| if ip.is_loopback() { "loopback".to_owned() } else { ip.to_string() });
        format!("{} {agent}", host.unwrap_or_default())
    });
    profile.agents.extend(agent);
    for message in view.messages() {
        let info = message.client_info();
        profile.info.extend(info.map(|(name, version)| (name.to_owned(), version.map(str::to_owned))));
    }
    profile
}

/// Unions of exchanges that share a strong key, in order of their first exchange. Takes what they are made of; exchanges
/// without such a key stay.
fn join_by_strong_keys(singles: &mut [Single], records: &[Record], directory: &Directory) -> Vec<Profile> {
    let minted = Minted::new(records);
    let mut holders: HashMap<(KeyKind, String, String), Vec<usize>> = HashMap::default();
    for record in records {
        for key in strong_keys(record, &minted, directory) {
            holders.entry(key).or_default().push(index(record.exchange));
        }
    }
    let mut keys: Vec<_> = holders.into_iter().collect();
    keys.sort();
    let mut groups = Groups::new(singles);
    // An answer in the redirect of the request itself is the answer to it, whatever it carries.
    for record in records.iter().filter(|record| record.kind == Kind::AuthorizationResponse) {
        if let Some(redirect) = record.slot(Field::RedirectSeen).map(|slot| slot.exchange) {
            groups.union(index(redirect), index(record.exchange), false);
        }
    }
    for ((kind, _, _), exchanges) in keys {
        let Some((first, rest)) = exchanges.split_first() else { continue };
        groups.mark(*first, kind, rest.is_empty());
        for other in rest {
            groups.union(*first, *other, kind.may_be_shared());
            groups.mark(*other, kind, false);
        }
    }
    groups.take_profiles(singles)
}

/// Union-find over exchanges.
struct Groups {
    parent: Vec<usize>,
    /// What the strong keys of a group say, by its root; most groups have none.
    marks: HashMap<usize, Profile>,
    /// Issuer and id of the clients that were registered in a group, by its root; most groups have none.
    registered: HashMap<usize, HashSet<(String, String)>>,
}

impl Groups {
    fn new(singles: &[Single]) -> Self {
        let known = singles.iter().enumerate().filter_map(|(at, single)| Some((at, &single.as_ref()?.dynamic_clients)));
        let registered = known.filter(|(_, clients)| !clients.is_empty()).map(|(at, clients)| (at, clients.clone()));
        Groups { parent: (0..singles.len()).collect(), marks: HashMap::default(), registered: registered.collect() }
    }

    /// The first exchange of the group; on the way every other link is shortened, so that chains stay short.
    fn root(&mut self, at: usize) -> usize {
        let mut at = at;
        while let Some(parent) = self.parent.get(at).copied().filter(|parent| *parent != at) {
            let further = self.parent.get(parent).copied().unwrap_or(parent);
            if let Some(slot) = self.parent.get_mut(at) {
                *slot = further;
            }
            at = further;
        }
        at
    }

    /// Notes that an exchange holds a strong key. A key that is seen once joins nothing, but says that this is a client.
    fn mark(&mut self, at: usize, kind: KeyKind, alone: bool) {
        let root = self.root(at);
        let marks = self.marks.entry(root).or_default();
        marks.span = Some(marks.span.map_or((at, at), |(a, b)| (a.min(at), b.max(at))));
        marks.recognised_by.insert(if alone { "" } else { kind.name() });
    }

    fn union(&mut self, a: usize, b: usize, unless_apart: bool) {
        let (a, b) = (self.root(a), self.root(b));
        if a == b || (unless_apart && self.are_apart(a, b)) {
            return;
        }
        let (keep, drop) = (a.min(b), a.max(b));
        if let Some(dropped) = self.marks.remove(&drop) {
            self.marks.entry(keep).or_default().merge(dropped);
        }
        if let Some(dropped) = self.registered.remove(&drop) {
            self.registered.entry(keep).or_default().extend(dropped);
        }
        if let Some(parent) = self.parent.get_mut(drop) {
            *parent = keep;
        }
    }

    fn are_apart(&self, a: usize, b: usize) -> bool {
        self.registered.get(&a).zip(self.registered.get(&b)).is_some_and(|(a, b)| registered_apart(a, b))
    }

    /// The groups that hold a strong key, each with all that is known of its exchanges.
    fn take_profiles(mut self, singles: &mut [Single]) -> Vec<Profile> {
        for (at, single) in singles.iter_mut().enumerate() {
            let root = self.root(at);
            if let Some(profile) = self.marks.get_mut(&root)
                && let Some(single) = single.take()
            {
                profile.merge(*single);
            }
        }
        let mut profiles: Vec<Profile> = self.marks.into_values().filter(|it| !it.exchanges.is_empty()).collect();
        profiles.sort_by_key(|profile| profile.exchanges.iter().min().copied());
        profiles
    }
}

/// Gives the pages between authorization request and response to the client whose redirects lead to them.
fn follow_pages(views: &[View<'_>], mut profiles: Vec<Profile>) -> Clients {
    let mut of_exchange: Vec<Option<usize>> = vec![None; views.len()];
    for (client, profile) in profiles.iter_mut().enumerate() {
        profile.recognised_by.remove("");
        for at in &profile.exchanges {
            if let Some(slot) = of_exchange.get_mut(*at) {
                *slot = Some(client);
            }
        }
    }
    let mut led_to: HashMap<&str, Option<usize>> = HashMap::default();
    for (at, view) in views.iter().enumerate() {
        let known = of_exchange.get(at).copied().flatten();
        let by_redirect = led_to.get(view.url.as_str()).copied().flatten();
        let client = known.or(by_redirect);
        if let (Some(slot), Some(_)) = (of_exchange.get_mut(at), by_redirect)
            && slot.is_none()
        {
            *slot = by_redirect;
        }
        if let (Some(client), Some(location)) = (client, view.location.as_deref()) {
            // A page to which two clients are led belongs to neither.
            led_to
                .entry(location)
                .and_modify(|known| *known = known.filter(|known| *known == client))
                .or_insert(Some(client));
        }
    }
    Clients { of_exchange, profiles, contested: Vec::new() }
}

/// The exchange as an index.
pub(crate) fn index(id: ExchangeId) -> usize {
    id.0 as usize
}
