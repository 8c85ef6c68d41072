//! Tells what each exchange is in OAuth or MCP: from what the message is, not from the name of its path.
//!
//! Twice over the recording: what is plain from the message itself first, then what only the other messages tell.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use foldhash::{HashMap, HashSet};
use memchr::memmem::Finder;

use super::announced::Announced;
use super::read::challenge;
use super::read::params::Params;
use super::read::urls;
use super::schema::Kind;
use super::view::View;
use crate::capture::limits::Limits;

/// What the messages say about addresses, gathered over the whole incident.
#[derive(Default)]
pub(crate) struct Directory {
    /// Endpoints at which MCP messages were seen.
    pub mcp_endpoints: HashSet<String>,
    /// Endpoints that streams announce for POSTs.
    pub announced: Announced,
    /// URLs that challenges name as resource metadata.
    pub resource_metadata_urls: HashSet<String>,
    /// Issuer of each endpoint that a metadata document names.
    pub issuer_of_endpoint: HashMap<String, String>,
    /// Issuers by origin of what they are or name.
    pub issuers_of_origin: HashMap<String, Vec<String>>,
    /// Of the issuers with a path, by origin and number of segments: what stands behind it in the paths of their endpoints.
    tenants_of_origin: HashMap<String, BTreeMap<usize, HashSet<String>>>,
    /// What each endpoint that a metadata document names is for.
    pub kind_of_endpoint: HashMap<String, Kind>,
    /// States sent in authorization requests.
    pub states: HashSet<String>,
    /// Redirect URIs of authorization requests, without query.
    pub redirect_uris: HashSet<String>,
    /// Redirect URIs, without query, at which an authorization server is itself the client of another one.
    pub federated_redirect_uris: HashSet<String>,
    /// Client ids that are URLs.
    pub client_id_urls: HashSet<String>,
}

impl Directory {
    /// The issuer of an endpoint; where no metadata document names it, its origin stands for it.
    pub(crate) fn issuer(&self, endpoint: &str) -> String {
        let origin = || urls::origin(endpoint).unwrap_or_else(|| endpoint.to_owned());
        self.known_issuer(endpoint).unwrap_or_else(origin)
    }

    /// The issuer of an endpoint: the one whose metadata names it, else another tenant that the paths tell of, else the
    /// only issuer at its origin. `None` where nothing tells.
    pub(crate) fn known_issuer(&self, endpoint: &str) -> Option<String> {
        if let Some(issuer) = self.issuer_of_endpoint.get(endpoint) {
            return Some(issuer.clone());
        }
        let origin = urls::origin(endpoint)?;
        let issuers = self.issuers_of_origin.get(&origin)?;
        if let Some(tenant) = self.tenant_beside(&origin, endpoint) {
            let read = issuers.iter().find(|issuer| issuer.trim_end_matches('/') == tenant);
            return Some(read.cloned().unwrap_or(tenant));
        }
        match issuers.as_slice() {
            [one] => Some(one.clone()),
            _ => None,
        }
    }

    /// The tenant that an endpoint belongs to, where it differs from an endpoint of an issuer in the path of that issuer
    /// alone: `/realms/b/token` beside `/realms/a/token` of the issuer `/realms/a`.
    fn tenant_beside(&self, origin: &str, endpoint: &str) -> Option<String> {
        let path = endpoint.strip_prefix(origin)?;
        let depths = self.tenants_of_origin.get(origin)?;
        depths.iter().find_map(|(depth, rests)| {
            let (at, _) = path.match_indices('/').nth(*depth)?;
            let (tenant, rest) = path.split_at_checked(at)?;
            rests.contains(rest).then(|| format!("{origin}{tenant}"))
        })
    }

    fn learn_tenant(&mut self, issuer: &str, endpoint: &str) {
        let issuer = issuer.trim_end_matches('/');
        let Some((origin, rest)) = urls::origin(issuer).zip(endpoint.strip_prefix(issuer)) else { return };
        let depth = issuer.strip_prefix(origin.as_str()).map_or(0, |path| path.matches('/').count());
        if depth > 0 {
            self.tenants_of_origin.entry(origin).or_default().entry(depth).or_default().insert(rest.to_owned());
        }
    }

    fn learn_metadata(&mut self, document: &serde_json::Value) {
        let text = |name: &str| document.get(name).and_then(serde_json::Value::as_str);
        let Some(issuer) = text("issuer") else { return };
        let mut origins = vec![urls::origin(issuer)];
        let endpoints = [
            ("authorization_endpoint", Kind::AuthorizationRequest),
            ("pushed_authorization_request_endpoint", Kind::AuthorizationRequest),
            ("token_endpoint", Kind::TokenRequest),
            ("registration_endpoint", Kind::RegistrationRequest),
            ("device_authorization_endpoint", Kind::DeviceAuthorizationRequest),
            ("introspection_endpoint", Kind::IntrospectionRequest),
            ("revocation_endpoint", Kind::RevocationRequest),
            ("jwks_uri", Kind::KeySetRequest),
        ];
        for (member, kind) in endpoints {
            let Some(url) = text(member) else { continue };
            let endpoint = urls::endpoint(url);
            origins.push(urls::origin(url));
            self.learn_tenant(issuer, &endpoint);
            self.kind_of_endpoint.insert(endpoint.clone(), kind);
            self.issuer_of_endpoint.insert(endpoint, issuer.to_owned());
        }
        for origin in origins.into_iter().flatten() {
            let issuers = self.issuers_of_origin.entry(origin).or_default();
            if !issuers.iter().any(|known| known == issuer) {
                issuers.push(issuer.to_owned());
            }
        }
    }
}

/// The role of each exchange, `None` for what is nothing of OAuth or MCP, and what was learned on the way.
pub(crate) fn classify(views: &[View<'_>], limits: &Limits) -> (Vec<Option<Kind>>, Directory) {
    let mut directory = Directory { announced: Announced::of(views, limits), ..Directory::default() };
    let ends = directory.announced.pairs().flat_map(|(target, stream)| [target.to_owned(), stream.to_owned()]);
    directory.mcp_endpoints = ends.collect();
    let mut roles: Vec<Option<Kind>> = views.iter().map(|view| plain_role(view, limits)).collect();
    for (view, role) in views.iter().zip(&roles) {
        learn(view, *role, limits, &mut directory);
    }
    learn_probed(views, &roles, &mut directory);
    for (view, role) in views.iter().zip(roles.iter_mut()) {
        if role.is_none() {
            *role = role_from_context(view, &directory);
        }
    }
    follow_redirects(views, &mut roles);
    leave_out_federated(views, &mut roles, &mut directory);
    (roles, directory)
}

/// What is plain from the message itself.
fn plain_role(view: &View<'_>, limits: &Limits) -> Option<Kind> {
    if view.method() == "OPTIONS" {
        let headers = &view.exchange.request.headers;
        return headers.get("access-control-request-method").map(|_| Kind::Preflight);
    }
    if view.messages().iter().any(|message| message.is_mcp()) {
        return Some(Kind::McpExchange);
    }
    if let Some(form) = view.form.as_ref().ok().and_then(Option::as_ref) {
        return form_role(form).or_else(|| role_by_answer(form, view, limits));
    }
    if let Some(body) = view.json() {
        if body.get("redirect_uris").is_some_and(serde_json::Value::is_array) {
            return Some(Kind::RegistrationRequest);
        }
        if body.get("grant_type").is_some_and(serde_json::Value::is_string) {
            return Some(Kind::TokenRequest);
        }
    }
    if view.query.has("client_id") && (view.query.has("response_type") || view.query.has("request_uri")) {
        return Some(Kind::AuthorizationRequest);
    }
    match urls::well_known(&view.url).map(|found| found.name) {
        Some("oauth-protected-resource") => return Some(Kind::ResourceMetadataRequest),
        Some(_) => return Some(Kind::AsMetadataRequest),
        None => {}
    }
    if view.method() == "GET" {
        return document_role(view, limits);
    }
    // A recorder may hold no request bodies.
    (view.method() == "POST" && view.form.is_err() && answers_as_mcp(view)).then_some(Kind::McpExchange)
}

/// Whether an answer is one that only an MCP server gives: a session id, or a challenge that points to resource metadata.
fn answers_as_mcp(view: &View<'_>) -> bool {
    let Some(response) = view.exchange.answer.response() else { return false };
    let pointed = || response.headers.all("www-authenticate").flat_map(challenge::parse);
    response.headers.get("mcp-session-id").is_some()
        || (response.status == 401 && pointed().any(|challenge| challenge.get("resource_metadata").is_some()))
}

fn form_role(form: &Params) -> Option<Kind> {
    if form.has("grant_type") {
        Some(Kind::TokenRequest)
    } else if form.has("response_type") && form.has("client_id") {
        Some(Kind::AuthorizationRequest)
    } else {
        None
    }
}

/// Forms whose meaning the answer tells: introspection (RFC 7662, 2.2) and device authorization (RFC 8628, 3.2).
fn role_by_answer(form: &Params, view: &View<'_>, limits: &Limits) -> Option<Kind> {
    if !(form.has("token") || form.has("client_id")) || !view.answers_json() {
        return None;
    }
    let answer = view.response_json(limits).ok()??;
    if form.has("token") && answer.get("active").is_some_and(serde_json::Value::is_boolean) {
        return Some(Kind::IntrospectionRequest);
    }
    (answer.get("device_code").is_some() && answer.get("user_code").is_some())
        .then_some(Kind::DeviceAuthorizationRequest)
}

/// A metadata document at an address of its own.
fn document_role(view: &View<'_>, limits: &Limits) -> Option<Kind> {
    if view.status() != Some(200) || !view.answers_json() {
        return None;
    }
    // A page asks for many documents. What names none of these members is passed over unread.
    static TELLING: LazyLock<[Finder<'_>; 4]> =
        LazyLock::new(|| ["\"issuer\"", "\"kty\"", "\"resource\"", "\"redirect_uris\""].map(Finder::new));
    if !view.answer_mentions(&*TELLING, limits) {
        return None;
    }
    let document = view.response_json(limits).ok()??;
    let has = |name: &str| document.get(name).is_some();
    if has("issuer") && (has("authorization_endpoint") || has("token_endpoint")) {
        return Some(Kind::AsMetadataRequest);
    }
    let keys = document.get("keys").and_then(serde_json::Value::as_array);
    if keys.is_some_and(|keys| keys.iter().any(|key| key.get("kty").is_some())) {
        return Some(Kind::KeySetRequest);
    }
    let is_resource = has("resource") && (has("authorization_servers") || has("bearer_methods_supported"));
    if is_resource {
        return Some(Kind::ResourceMetadataRequest);
    }
    let named = document.get("client_id").and_then(serde_json::Value::as_str).map(urls::endpoint);
    (named.as_deref() == Some(view.endpoint()) && has("redirect_uris")).then_some(Kind::ClientMetadataFetch)
}

fn learn(view: &View<'_>, role: Option<Kind>, limits: &Limits, directory: &mut Directory) {
    match role {
        Some(Kind::McpExchange) => {
            directory.mcp_endpoints.insert(view.endpoint().to_owned());
        }
        Some(Kind::AsMetadataRequest) => {
            if let Ok(Some(document)) = view.response_json(limits) {
                directory.learn_metadata(document);
            }
        }
        Some(Kind::AuthorizationRequest) => {
            directory.states.extend(asked(view, "state").map(str::to_owned));
            directory.redirect_uris.extend(asked(view, "redirect_uri").map(urls::endpoint));
            let id = asked(view, "client_id").filter(|id| id.starts_with("https://"));
            directory.client_id_urls.extend(id.map(urls::normal).map(Cow::into_owned));
        }
        _ => {}
    }
    if matches!(view.status(), Some(401 | 403)) {
        let response = view.exchange.answer.response();
        for value in response.into_iter().flat_map(|response| response.headers.all("www-authenticate")) {
            let pointers = challenge::parse(value);
            let pointers = pointers.iter().filter_map(|challenge| challenge.get("resource_metadata"));
            directory.resource_metadata_urls.extend(pointers.map(|url| urls::normal(url).into_owned()));
        }
    }
}

/// Endpoints that a client asks with GET before it sends a message, to be challenged: it then looks for resource metadata
/// where the challenge says, or at the place that the path of the endpoint gives (RFC 9728, 3.1).
fn learn_probed(views: &[View<'_>], roles: &[Option<Kind>], directory: &mut Directory) {
    let reads = |(view, role): &(&View<'_>, &Option<Kind>)| {
        view.method() == "GET" && matches!(role, None | Some(Kind::ResourceMetadataRequest))
    };
    let is_probe = |(view, role): &(&View<'_>, &Option<Kind>)| {
        role.is_none() && view.method() == "GET" && view.status() == Some(401) && !is_navigation(view)
    };
    let mut probes = views.iter().zip(roles).filter(is_probe).map(|(view, _)| view).peekable();
    if probes.peek().is_none() {
        return;
    }
    let read: HashSet<Cow<'_, str>> =
        views.iter().zip(roles).filter(reads).map(|(view, _)| view.normal_url()).collect();
    for view in probes {
        let response = view.exchange.answer.response();
        let challenges = response.into_iter().flat_map(|response| response.headers.all("www-authenticate"));
        let names_what_was_read = |challenge: &challenge::Challenge| {
            challenge.get("resource_metadata").is_some_and(|url| read.contains(&*urls::normal(url)))
        };
        let of_path = view.endpoint().strip_prefix(view.origin()).filter(|path| path.len() > 1).map(|path| {
            let place = format!("{}/.well-known/oauth-protected-resource{path}", view.origin());
            urls::normal(&place).into_owned()
        });
        if of_path.is_some_and(|place| read.contains(place.as_str()))
            || challenges.flat_map(challenge::parse).any(|challenge| names_what_was_read(&challenge))
        {
            directory.mcp_endpoints.insert(view.endpoint().to_owned());
        }
    }
}

/// A parameter of an authorization request.
fn asked<'a>(view: &'a View<'_>, name: &str) -> Option<&'a str> {
    let form = view.form.as_ref().ok().and_then(Option::as_ref);
    form.and_then(|form| form.get(name)).or_else(|| view.query.get(name))
}

/// What only the other messages tell.
fn role_from_context(view: &View<'_>, directory: &Directory) -> Option<Kind> {
    if view.method() == "GET"
        && !directory.resource_metadata_urls.is_empty()
        && directory.resource_metadata_urls.contains(&*view.normal_url())
    {
        return Some(Kind::ResourceMetadataRequest);
    }
    if carries_response(view, directory) {
        return Some(Kind::AuthorizationResponse);
    }
    if !directory.client_id_urls.is_empty() && directory.client_id_urls.contains(&*view.normal_url()) {
        return Some(Kind::ClientMetadataFetch);
    }
    match directory.kind_of_endpoint.get(view.endpoint()) {
        Some(Kind::AuthorizationRequest)
            if view.query.has("client_id") || view.query.has("response_type") || view.form.is_err() =>
        {
            return Some(Kind::AuthorizationRequest);
        }
        Some(
            kind @ (Kind::TokenRequest
            | Kind::RegistrationRequest
            | Kind::DeviceAuthorizationRequest
            | Kind::IntrospectionRequest
            | Kind::RevocationRequest),
        ) if view.method() == "POST" => return Some(*kind),
        Some(Kind::KeySetRequest) if view.method() == "GET" => return Some(Kind::KeySetRequest),
        _ => {}
    }
    let is_mcp = directory.mcp_endpoints.contains(view.endpoint())
        && matches!(view.method(), "GET" | "POST" | "DELETE")
        && !is_navigation(view);
    is_mcp.then_some(Kind::McpExchange)
}

/// Whether a request or its redirect carries an authorization response.
fn carries_response(view: &View<'_>, directory: &Directory) -> bool {
    is_callback(&view.url, callback_params(view), directory)
        || view.location.as_ref().is_some_and(|location| {
            is_callback(location, &response_params(location), directory)
                && !matches!(directory.kind_of_endpoint.get(view.endpoint()), Some(Kind::AuthorizationRequest))
        })
}

/// Whether a browser asked for a page: no MCP client sends that.
fn is_navigation(view: &View<'_>) -> bool {
    let headers = &view.exchange.request.headers;
    headers.get("accept").is_some_and(|accept| accept.contains("text/html"))
}

/// Parameters that may carry an authorization response: the query, or the form of a POST (OAuth 2.0 Form Post Response
/// Mode, 2).
pub(crate) fn callback_params<'a>(view: &'a View<'_>) -> &'a Params {
    match &view.form {
        Ok(Some(form)) if view.method() == "POST" => form,
        _ => &view.query,
    }
}

/// Whether a URL carries an authorization response: a code or an error with a state that was sent, or at a redirect URI
/// that was named (RFC 6749, 4.1.2).
pub(crate) fn is_callback(url: &str, params: &Params, directory: &Directory) -> bool {
    if !(params.has("code") || params.has("error")) || params.has("response_type") {
        return false;
    }
    let endpoint = urls::endpoint(url);
    if directory.federated_redirect_uris.contains(&endpoint) {
        return false;
    }
    let known_state = params.get("state").is_some_and(|state| directory.states.contains(state));
    let known_uri = directory.redirect_uris.contains(&endpoint);
    known_state || known_uri || (params.has("code") && params.has("state"))
}

/// Parameters of an authorization response: query, else fragment (OAuth 2.0 Multiple Response Types, 2.1).
pub(crate) fn response_params(url: &str) -> Params {
    let query = Params::of_query(url);
    if query.has("code") || query.has("error") {
        return query;
    }
    url.split_once('#').map_or(query, |(_, fragment)| Params::parse(fragment))
}

/// An authorization server that sends the browser on to another one, in a name of its own, is the client there: that login
/// is none of the MCP client's, and neither is the answer that comes back to the first server.
fn leave_out_federated(views: &[View<'_>], roles: &mut [Option<Kind>], directory: &mut Directory) {
    const REQUEST: Option<Kind> = Some(Kind::AuthorizationRequest);
    let requests: Vec<usize> =
        roles.iter().enumerate().filter(|(_, role)| **role == REQUEST).map(|(at, _)| at).collect();
    if requests.is_empty() {
        return;
    }
    // Which exchanges lead to a URL, in their order.
    let mut sources: HashMap<Cow<'_, str>, Vec<usize>> = HashMap::default();
    for (at, view) in views.iter().enumerate() {
        if let Some(to) = &view.location {
            sources.entry(urls::normal(to)).or_default().push(at);
        }
    }
    let client = |view: &View<'_>| view.query.get("client_id").map(str::to_owned);
    let is_federated = |at: usize| {
        let Some(view) = views.get(at) else { return false };
        let leading = sources.get(&*view.normal_url()).map_or(&[][..], Vec::as_slice);
        let last = leading.partition_point(|source| *source < at).checked_sub(1);
        let Some(source) = last.and_then(|last| views.get(*leading.get(last)?)) else { return false };
        let begun = |earlier: &View<'_>| earlier.origin() == source.origin() && client(earlier) != client(view);
        source.origin() != view.origin()
            && requests.iter().take_while(|of| **of < at).filter_map(|of| views.get(*of)).any(begun)
    };
    let (federated, own): (Vec<usize>, Vec<usize>) = requests.iter().partition(|at| is_federated(**at));
    if federated.is_empty() {
        return;
    }
    for at in &federated {
        if let Some(role) = roles.get_mut(*at) {
            *role = None;
        }
    }
    let uris = |of: &[usize]| -> HashSet<String> {
        let views = of.iter().filter_map(|at| views.get(*at));
        views.filter_map(|view| asked(view, "redirect_uri")).map(urls::endpoint).collect()
    };
    directory.federated_redirect_uris = &uris(&federated) - &uris(&own);
    for (view, role) in views.iter().zip(roles.iter_mut()) {
        if *role == Some(Kind::AuthorizationResponse) && !carries_response(view, directory) {
            *role = None;
        }
    }
}

/// The exchange to which the redirect of an MCP exchange led is an MCP exchange too, also where it became a GET.
fn follow_redirects(views: &[View<'_>], roles: &mut [Option<Kind>]) {
    if !views.iter().zip(roles.iter()).any(|(view, role)| view.location.is_some() && *role == Some(Kind::McpExchange)) {
        return;
    }
    let targets = views.iter().filter_map(|view| view.location.as_deref());
    let mut by_url: HashMap<Cow<'_, str>, Vec<usize>> = targets.map(|to| (urls::normal(to), Vec::new())).collect();
    for (at, view) in views.iter().enumerate() {
        if let Some(there) = by_url.get_mut(&*view.normal_url()) {
            there.push(at);
        }
    }
    for at in 0..views.len() {
        let (Some(view), Some(Some(Kind::McpExchange))) = (views.get(at), roles.get(at)) else { continue };
        let Some(location) = &view.location else { continue };
        let there = by_url.get(&*urls::normal(location)).map_or(&[][..], Vec::as_slice);
        let target = there.get(there.partition_point(|other| *other <= at));
        if let Some(target) = target
            && let Some(role @ None) = roles.get_mut(*target)
        {
            *role = Some(Kind::McpExchange);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn directory(issuers: &[&str]) -> Directory {
        let mut directory = Directory::default();
        for issuer in issuers {
            let endpoint = |name: &str| format!("{}/{name}", issuer.trim_end_matches('/'));
            directory.learn_metadata(&json!({ "issuer": issuer, "token_endpoint": endpoint("p/token") }));
        }
        directory
    }

    #[test]
    fn tenants_of_one_origin_are_told_apart_by_the_path() {
        let a = "https://as.test/realms/a";
        let one = directory(&[a]);
        assert_eq!(one.issuer("https://as.test/realms/b/p/token"), "https://as.test/realms/b");
        // Nothing of the issuer looks like it: the only one at this origin.
        assert_eq!(one.issuer("https://as.test/realms/b/register"), a);
        assert_eq!(one.issuer("https://as.test/register"), a);
        let both = directory(&[a, "https://as.test/realms/b/"]);
        assert_eq!(both.issuer("https://as.test/realms/b/p/token"), "https://as.test/realms/b/");
        assert_eq!(both.known_issuer("https://as.test/register"), None);
        // An issuer without a path has no tenants beside it.
        let root = directory(&["https://as.test"]);
        assert_eq!(root.issuer("https://as.test/x/p/token"), "https://as.test");
    }
}
