"""Use of tokens, audience, scopes, refresh and step-up, for the recordings beside the rule pages."""

import re

import traffic
from faults_discovery import without
from faults_login import sent_back_with
from faults_mcp import (
    answer_json,
    stateless,
    with_stream,
)
from faults_renewal import steps_up, want_scope
from incidents import (
    HOSTS,
    append,
    begin_again,
    browser,
    call_missing,
    document,
    expires,
    native,
    refuse,
    refused_grant,
    retry,
    say_invalid,
    without_token,
)
from rules_token_endpoint import whole_page as page


def challenge_of(step):
    return step.header("www-authenticate", "response")


def set_challenge(step, value):
    step.set_header("www-authenticate", value, "response")


def with_parameter(step, name, value):
    """Adds a parameter to the challenge of a step."""
    set_challenge(step, challenge_of(step) + f', {name}="{value}"')


def without_parameter(step, name):
    set_challenge(step, re.sub(rf',? ?\b{name}="[^"]*"', "", challenge_of(step)).replace("Bearer,", "Bearer"))


def give_up(made, name="challenge"):
    made.cut_after(name)
    retry(made, name)


def refused_for_age(made, name="call"):
    """A call long after the expiry of the token is refused."""
    made[name].gap = 2 * 3600
    made[name].answer_like(made["challenge"])
    say_invalid(made[name])


# --- discovery


def of_network(seed):
    """A client under the stateless revision whose servers are hosts of the network."""
    hosts = {
        **HOSTS,
        "http://localhost:8080": "https://mcp.example.com",
        "http://localhost:9000": "https://as.example.com",
        "localhost:8080": "mcp.example.com",
        "localhost:9000": "as.example.com",
    }
    return traffic.stateless(seed, hosts)


def as_openid(made):
    """The client reads the OpenID configuration."""
    step = made["as_metadata"]
    step.url = step.url.replace("oauth-authorization-server", "openid-configuration")


@page(native, ok=as_openid)
def oidc_without_challenge_methods(made):
    as_openid(made)
    without(made, "as_metadata", "code_challenge_methods_supported")
    give_up(made, "as_metadata")


@page(native)
def endpoint_over_plain_http(made):
    text = made["as_metadata"].entry["response"]["content"]["text"]
    made["as_metadata"].respond(text.replace('"token_endpoint":"https:', '"token_endpoint":"http:'))
    made.cut_after("as_metadata")
    retry(made)


@page(of_network)
def metadata_over_plain_http(made):
    made.replace({"https://as.example.com": "http://as.example.com"})


# --- token on requests


@page(native)
def token_malformed(made):
    made["initialize"].set_header("authorization", "Bearer Bearer " + made.token)
    refuse(made, "initialize")
    retry(made, "initialize")


@page(native)
def token_in_query(made):
    without_token(made, "initialize")
    made["initialize"].set_query(access_token=made.token)
    call_missing(made, "initialize")
    retry(made, "initialize")


@page(native)
def token_sent_twice(made):
    made["initialize"].set_query(access_token=made.token)
    error = {"error": "invalid_request", "error_description": "More than one method of transmission"}
    answer_json(made["initialize"], 400, "Bad Request", error)
    made.cut_after("initialize")
    retry(made, "initialize")


@page(native)
def refresh_token_presented(made):
    refresh_token = made.text()
    made["token"].respond_json({**made["token"].answer, "refresh_token": refresh_token})
    made["initialize"].set_header("authorization", "Bearer " + refresh_token)
    refuse(made, "initialize")
    retry(made, "initialize")


@page(native)
def token_from_another_authorization_server(made):
    document(made, "resource_metadata", authorization_servers=["https://login.example.net"])
    made.claims(iss="https://as.example.com")
    refuse(made, "initialize")
    retry(made, "initialize")


@page(native)
def token_over_plain_http(made):
    made.replace({"https://mcp.example.com": "http://mcp.example.com"})


@page(browser)
def authorization_not_allowed_by_cors(made):
    case = ("cors-registration-endpoint-blocked", "browser-sanitized.har")
    made["initialize_preflight"].set_header("access-control-allow-headers", "content-type,mcp-session-id", "response")
    made["initialize"].answer_like(traffic.recorded(*case, 8))
    made["initialize"].entry["request"]["headersSize"] = -1
    made.cut_after("initialize")


# --- answers of the MCP server


@page(native, ok=refused_for_age)
def expired_token_accepted(made):
    made["call"].gap = 2 * 3600


def refused_token(made):
    refuse(made, "initialize")
    retry(made, "initialize")


@page(native, ok=refused_token)
def refused_token_without_challenge(made):
    refused_token(made)
    for step in list(made.steps.values())[-2:]:
        set_challenge(step, None)


@page(native, ok=lambda made: want_scope(made, "call", "mcp:admin"))
def missing_scope_refused_with_401(made):
    want_scope(made, "call", "mcp:admin")
    made["call"].set_status(401, "Unauthorized")
    retry(made, "call")


@page(native, ok=refused_token)
def invalid_token_refused_with_another_status(made):
    refused_token(made)
    for step in list(made.steps.values())[-2:]:
        step.set_status(403, "Forbidden")


@page(native, ok=expires)
def invalid_token_not_named(made):
    expires(made)
    without_parameter(made["expired_call"], "error")


@page(native, ok=lambda made: without_parameter(made["challenge"], "error"))
def error_named_without_token(made):
    assert "error=" in challenge_of(made["challenge"])


@page(native)
def challenge_not_well_formed(made):
    set_challenge(made["challenge"], challenge_of(made["challenge"]).replace(", ", " "))
    give_up(made)


@page(native)
def challenge_parameter_repeated(made):
    with_parameter(made["challenge"], "resource_metadata", "https://mcp.example.com/.well-known/oauth-protected-resource")
    give_up(made)


def token_moved_to_query(made):
    without_token(made, "call")
    made["call"].set_query(access_token=made.token)


def query_is_refused(made):
    token_moved_to_query(made)
    call_missing(made, "call")


@page(native, ok=query_is_refused)
def token_in_query_accepted(made):
    token_moved_to_query(made)


@page(native, ok=lambda made: _asks_twice(made, refused=False))
def answered_without_token(made):
    _asks_twice(made, refused=True)


def _asks_twice(made, refused):
    """The client asks for the list of tools without a token, in a session that the server does not number."""
    for step in made.steps.values():
        for side in ("request", "response"):
            step.set_header("mcp-session-id", None, side)
    for name in ("list_first", "list_second"):
        step = made.insert(name, made["list"].copy(), after="initialized")
        step.set_header("authorization", None)
        step.answer_like(made["challenge"])
    made["list"].gap = 2
    if not refused:
        return
    made["list_second"].answer_like(made["list"])


def session_alone(made):
    without_token(made, "call")


def session_alone_is_refused(made):
    session_alone(made)
    call_missing(made, "call")


@page(native, ok=session_alone_is_refused)
def session_id_taken_for_token(made):
    session_alone(made)


@page(native)
def foreign_audience_accepted(made):
    made.claims(aud="https://billing.example.com/mcp")


# --- scopes


def refuse_for_scope(made, scope):
    """The first request with the new token is refused for want of scope."""
    want_scope(made, "initialize", scope)
    made.cut_after("initialize")


@page(native, ok=lambda made: with_parameter(made["challenge"], "scope", "mcp:tools"))
def challenge_without_scope(made):
    assert "scope=" not in challenge_of(made["challenge"])


def challenged(made, scope="mcp:tools"):
    with_parameter(made["challenge"], "scope", scope)


@page(native, ok=challenged)
def challenged_scope_not_requested(made):
    challenged(made, "mcp:tools mcp:admin")
    refuse_for_scope(made, "mcp:admin")


@page(native)
def scope_beyond_announced(made):
    made["authorization"].set_query(scope="mcp:tools profile:everything")
    sent_back_with(made, "invalid_scope")


@page(native)
def announced_scope_left_out(made):
    document(made, "resource_metadata", scopes_supported=["mcp:tools", "mcp:call"])
    refuse_for_scope(made, "mcp:call")


def nobody_names_scopes(made):
    without(made, "resource_metadata", "scopes_supported")
    made["authorization"].set_query(scope=None)


@page(native, ok=nobody_names_scopes)
def scope_out_of_nowhere(made):
    without(made, "resource_metadata", "scopes_supported")
    made["authorization"].set_query(scope="profile:everything")
    sent_back_with(made, "invalid_scope")


def challenged_twice(made, second="mcp:tools"):
    challenged(made)
    again = made.insert("challenge_again", made["challenge"].copy(), after="challenge")
    again.gap = 0.4
    set_challenge(again, challenge_of(again).replace('scope="mcp:tools"', f'scope="{second}"'))


@page(native, ok=challenged_twice)
def challenge_scopes_vary(made):
    challenged_twice(made, "mcp:tools mcp:admin")


def fewer_than_asked(made, reported):
    made["authorization"].set_query(scope="mcp:tools mcp:admin")
    answer = {key: value for key, value in made["token"].answer.items() if key != "scope"}
    made["token"].respond_json({**answer, "scope": "mcp:tools"} if reported else answer)


def all_that_was_asked(made):
    answer = {key: value for key, value in made["token"].answer.items() if key != "scope"}
    made["token"].respond_json(answer)


@page(native, ok=all_that_was_asked)
def scope_of_token_not_reported(made):
    fewer_than_asked(made, reported=False)


# --- step-up


@page(stateless, ok=lambda made: _in_instalments(made, "mcp:admin"))
def scopes_asked_one_by_one(made):
    _in_instalments(made, "mcp:audit")


def _in_instalments(made, second):
    """The call is refused again after a step-up, for this scope."""
    steps_up(made, accepted=False)
    want_scope(made, "call_1", second)
    append(made, "list_again", made["list"].copy()).gap = 2


@page(native, ok=steps_up)
def scope_refusal_names_no_scope(made):
    want_scope(made, "call", "mcp:admin")
    without_parameter(made["call"], "scope")
    retry(made, "call")


@page(native, ok=steps_up)
def scope_refusal_without_pointer(made):
    steps_up(made)
    without_parameter(made["call"], "resource_metadata")


@page(native, ok=steps_up)
def step_up_not_attempted(made):
    want_scope(made, "call", "mcp:admin")
    append(made, "page_again", made["callback"].copy()).gap = 8
    append(made, "list_again", made["list"].copy())


@page(native, ok=steps_up)
def operation_not_retried(made):
    steps_up(made)
    made.drop("call_1")
    append(made, "list_again", made["list"].copy()).gap = 2


# --- refresh


def refreshed(made):
    expires(made)


@page(native, ok=refreshed)
def refresh_token_not_rotated(made):
    expires(made)
    old = made["refresh"].form["refresh_token"]
    made["refresh"].respond_json({**made["refresh"].answer, "refresh_token": old})


def fails_to_refresh(made, error="invalid_grant"):
    """The refresh is refused, and the call goes on with the old token."""
    refused_grant(made, made["refresh"])
    made["refresh"].respond_json({"error": error, "error_description": "grant request is invalid"})
    made["repeated_call"].entry = made["expired_call"].copy().entry


@page(stateless, ok=refreshed)
def refresh_grant_not_registered(made):
    made["registration"].send_json({**made["registration"].json, "grant_types": ["authorization_code"]})
    answer = {**made["registration"].answer, "grant_types": ["authorization_code"]}
    made["registration"].respond_json(answer)
    expires(made)
    fails_to_refresh(made, "unauthorized_client")


@page(stateless, ok=refreshed)
def refresh_without_token(made):
    expires(made)
    made["refresh"].set_form(refresh_token="undefined")
    fails_to_refresh(made, "invalid_request")


@page(stateless, ok=challenged)
def offline_access_demanded(made):
    challenged(made, "mcp:tools offline_access")
    made["authorization"].set_query(scope="mcp:tools offline_access")
    sent_back_with(made, "invalid_scope")


@page(stateless)
def offline_access_announced(made):
    document(made, "resource_metadata", scopes_supported=["mcp:tools", "offline_access"])
    made["authorization"].set_query(scope="mcp:tools offline_access")
    sent_back_with(made, "invalid_scope")


def refreshes_within(made):
    expires(made)
    made["refresh"].set_form(scope="mcp:tools")


@page(native, ok=refreshes_within)
def refresh_widens_scope(made):
    expires(made)
    made["refresh"].set_form(scope="mcp:tools mcp:admin")
    fails_to_refresh(made, "invalid_scope")


@page(native, ok=refreshed)
def refresh_at_another_server(made):
    expires(made)
    text = made["as_metadata"].entry["response"]["content"]["text"].replace("as.example.com", "login.example.net")
    other = made.insert("other_metadata", made["as_metadata"].copy(), after="as_metadata")
    other.respond(text)
    other.url = other.url.replace("as.example.com", "login.example.net")
    document(made, "resource_metadata", authorization_servers=["https://as.example.com", "https://login.example.net"])
    made["refresh"].url = made["refresh"].url.replace("as.example.com", "login.example.net")
    fails_to_refresh(made)


@page(native, ok=refreshed)
def refresh_by_another_client(made):
    expires(made)
    made["refresh"].set_form(client_id=made.text())
    fails_to_refresh(made)


def logs_in_again(made):
    expires(made)
    fails_to_refresh(made)
    begin_again(made)
    login = append(made, "authorization_again", made["authorization"].copy())
    _, challenge = made.pkce()
    login.set_query(code_challenge=challenge, state=made.uuid())
    append(made, "page_again", made["callback"].copy()).gap = 8


@page(native, ok=logs_in_again)
def no_login_after_refused_refresh(made):
    expires(made)
    fails_to_refresh(made)
    append(made, "page_again", made["callback"].copy()).gap = 8
    again = retry(made, "repeated_call")
    again.gap = 30


# --- callback, transport


def returns_home(made):
    made["callback"].set_status(302, "Found")
    made["callback"].redirect_to("/signed-in")


@page(native, ok=returns_home)
def callback_forwards_anywhere(made):
    made["callback"].url += "&next=https%3A%2F%2Felsewhere.example.net%2Fhome"
    made["authorization"].redirect_to(made["callback"].url)
    made["callback"].set_status(302, "Found")
    made["callback"].redirect_to("https://elsewhere.example.net/home")


def falls_back(made, status, text):
    """The client opens an event stream in the place of a login."""
    stream = made["stream"]
    made.cut_after("challenge")
    made["challenge"].set_status(status, text)
    append(made, "stream", stream)
    for name in ("authorization", "mcp-session-id", "mcp-protocol-version"):
        stream.set_header(name, None)
    answer_json(stream, 405, "Method Not Allowed", {"error": "method not allowed"})


def falls_back_rightly(made):
    falls_back(made, 405, "Method Not Allowed")
    answer_json(made["challenge"], 405, "Method Not Allowed", {"error": "method not allowed"})


@page(with_stream, ok=falls_back_rightly)
def refusal_taken_for_legacy_server(made):
    falls_back(made, 401, "Unauthorized")
