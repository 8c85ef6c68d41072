"""Faults between client and MCP server, for the recordings beside the rule pages."""

import json

import traffic
from incidents import (
    HOSTS,
    MCP,
    append,
    behind_a_gateway,
    browser,
    call_missing,
    expires,
    native,
    page,
    refuse,
    retry,
    say_invalid,
    without_token,
)


def with_stream(seed):
    made = traffic.native(seed, HOSTS)
    made.drop("registration", "end")
    return made


def stateless(seed):
    return traffic.stateless(seed, HOSTS)


def refused(made):
    refuse(made, "initialize")


def redirect(made, step, url):
    """The step is answered with a redirect."""
    step.answer_like(made["authorization"])
    step.set_status(307, "Temporary Redirect")
    step.redirect_to(url)
    step.respond("")


def answer_json(step, status, text, value):
    step.set_status(status, text)
    step.set_header("content-type", "application/json", "response")
    step.set_header("mcp-session-id", None, "response")
    step.entry["response"]["content"]["mimeType"] = "application/json"
    step.respond_json(value)


def answer_page(step, status, text, title):
    """A page instead of an answer."""
    step.set_status(status, text)
    step.set_header("content-type", "text/html; charset=utf-8", "response")
    step.set_header("www-authenticate", None, "response")
    step.entry["response"]["content"]["mimeType"] = "text/html"
    step.respond(f"<!doctype html><title>{title}</title><p>{title}.</p>")


def at_an_edge(step):
    step.set_header("cf-ray", "8f2d1c7be9a03a1b-FRA", "response")


def named_by_an_edge(step):
    """An answer that only `Server` tells of."""
    step.set_header("server", "cloudflare", "response")


def no_permission(step):
    """The answer of a server that does not know of preflights."""
    step.answer_like(traffic.recorded("cors-registration-endpoint-blocked", "browser-sanitized.har", 9))


def blocked(made, name):
    """The browser asked, was given no permission, and sent nothing."""
    made[name].answer_like(traffic.recorded("cors-registration-endpoint-blocked", "browser-sanitized.har", 8))
    made[name].entry["request"]["headersSize"] = -1
    no_permission(made[name + "_preflight"])
    made.cut_after(name)


# --- challenge


def not_exposed(step):
    step.set_header("access-control-expose-headers", "Mcp-Session-Id", "response")


@page(browser)
def challenge_hidden_by_cors(made):
    not_exposed(made["challenge"])
    made.cut_after("challenge")
    retry(made)


@page(browser)
def preflight_refused(made):
    blocked(made, "challenge")


def open_to_all(made):
    made["challenge"].answer_like(made["initialize"])
    made.cut_after("challenge")


@page(native, ok=open_to_all)
def html_instead_of_challenge(made):
    answer_page(made["challenge"], 200, "OK", "Sign in to Acme Notes")
    made.cut_after("challenge")
    retry(made)


@page(native, ok=expires)
def expired_token_answered_otherwise(made):
    expires(made)
    made["expired_call"].set_header("www-authenticate", None, "response")
    answer_json(made["expired_call"], 403, "Forbidden", {"error": "forbidden"})
    made.cut_after("expired_call")
    retry(made, "expired_call")


# --- token-attachment


@page(with_stream)
def stream_without_token(made):
    without_token(made, "stream")
    call_missing(made, "stream")
    retry(made, "stream")


def moved(made, url):
    step = made.insert("moved", made["initialize"].copy(), after="token")
    step.url = url
    redirect(made, step, MCP)


def moved_to_https(made):
    moved(made, MCP.replace("https:", "http:"))


@page(native, ok=moved_to_https)
def redirect_drops_authorization(made):
    moved_to_https(made)
    without_token(made, "initialize")
    call_missing(made, "initialize")
    retry(made, "moved")
    retry(made, "initialize", gap=0.02)


def sent_to(step, url):
    """The step is answered with a redirect that is not followed; the client looks at the metadata instead."""

    def sent(made):
        metadata = made["resource_metadata"]
        redirect(made, made[step], url)
        made.cut_after(step)
        append(made, "next_metadata", metadata.copy())

    return sent


@page(native, ok=sent_to("challenge", MCP + "/"))
def redirect_instead_of_challenge(made):
    sent_to("challenge", "https://sso.example.com/login")(made)


@page(native, ok=sent_to("initialize", MCP + "/"))
def redirect_leads_token_elsewhere(made):
    sent_to("initialize", "https://mcp-2.example.com/mcp")(made)


def moved_by_a_slash(made):
    moved(made, MCP + "/")


@page(native, ok=moved_by_a_slash)
def same_origin_redirect_drops_authorization(made):
    moved_by_a_slash(made)
    without_token(made, "initialize")
    call_missing(made, "initialize")
    retry(made, "moved")
    retry(made, "initialize", gap=0.02)


def with_identity(made):
    """The authorization server issues an ID token beside the access token."""
    answer = made["token"].answer
    identity = made.reissued(answer["access_token"], aud=made["token"].form["client_id"], scope=None)
    made["token"].respond_json({**answer, "id_token": identity})
    return identity


@page(native, ok=with_identity)
def id_token_presented(made):
    identity = with_identity(made)
    made["initialize"].set_header("authorization", "Bearer " + identity)
    refuse(made, "initialize")
    retry(made, "initialize")


@page(native)
def other_scheme_presented(made):
    made["initialize"].set_header("authorization", "Basic ZGVzazpub3QtYS1zZWNyZXQ=")
    call_missing(made, "initialize")
    retry(made, "initialize")


def refused_though_refreshed(made):
    expires(made)
    refuse(made, "repeated_call")


@page(native, ok=refused_though_refreshed)
def retired_token_presented(made):
    expires(made)
    made["repeated_call"].entry = made["expired_call"].copy().entry


@page(native, ok=refused)
def configured_token_presented(made):
    configured = "Bearer " + made.text()
    made["challenge"].set_header("authorization", configured)
    made["initialize"].set_header("authorization", configured)
    refuse(made, "initialize")
    retry(made, "initialize")


def other_token(made, audience):
    token = made.reissued(made.token, aud=audience, jti=made.text())
    made["challenge"].set_header("authorization", "Bearer " + token)
    made["initialize"].set_header("authorization", "Bearer " + token)
    refuse(made, "initialize")
    retry(made, "initialize")


@page(native, ok=lambda made: other_token(made, MCP))
def token_of_another_server(made):
    other_token(made, "https://calendar.example.com/mcp")


def starts_anew(made):
    again = append(made, "again", made["initialize"].copy())
    again.gap = 600


@page(native, ok=starts_anew)
def stored_token_not_found(made):
    starts_anew(made)
    without_token(made, "again")
    call_missing(made, "again")
    retry(made, "again")


def proof(made, **claims):
    """A proof of possession (RFC 9449, 4.2) with a made-up key and signature."""
    head = {"typ": "dpop+jwt", "alg": "ES256", "jwk": {"kty": "EC", "crv": "P-256", "x": made.key, "y": made.key[::-1]}}
    claims = {"jti": made.text(22), "htm": "POST", "htu": MCP, "iat": int(made.start.timestamp()) + 5, **claims}
    parts = [traffic._base64(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims)]
    return ".".join(parts + [made.text(86)])


def bound_token(made, answers_with_nonce):
    made.key, nonce = made.text(), made.text(24)
    made["token"].respond_json({**made["token"].answer, "token_type": "DPoP"})
    for name in ("initialize", "initialized", "list", "call"):
        made[name].set_header("authorization", "DPoP " + made.token)
        made[name].set_header("dpop", proof(made, nonce=nonce))
    first = made.insert("without_nonce", made["initialize"].copy(), after="token")
    first.set_header("dpop", proof(made))
    first.answer_like(made["challenge"])
    first.set_header("www-authenticate", 'DPoP error="use_dpop_nonce", algs="ES256"', "response")
    first.set_header("dpop-nonce", nonce, "response")
    first.respond_json({"error": "use_dpop_nonce", "error_description": "Resource server requires nonce in DPoP proof"})
    if not answers_with_nonce:
        made["initialize"].set_header("dpop", proof(made))
        made["initialize"].answer_like(first)
        made.cut_after("initialize")


@page(native, ok=lambda made: bound_token(made, True))
def dpop_nonce_not_used(made):
    bound_token(made, False)


# --- token-acceptance


@page(native, ok=lambda made: late_and_refused(made))
def server_clock_behind(made):
    refuse(made, "initialize")
    made["initialize"].ahead = -2 * 3600
    retry(made, "initialize").ahead = -2 * 3600


def late_and_refused(made):
    refuse(made, "initialize")
    made["initialize"].gap = 100


@page(native, ok=refused)
def opaque_token_refused(made):
    made.replace({made.token: made.text()})
    refuse(made, "initialize")
    retry(made, "initialize")


def with_key(made, token, key_id):
    _, payload, signature = token.split(".")
    head = json.dumps({"alg": "RS256", "typ": "at+jwt", "kid": key_id}, separators=(",", ":"))
    return ".".join([traffic._base64(head.encode()), payload, signature])


def renewed_and_refused(made, key_id):
    expires(made)
    answer = made["refresh"].answer
    token = with_key(made, answer["access_token"], key_id)
    made["refresh"].respond_json({**answer, "access_token": token})
    made["repeated_call"].answer_like(made["expired_call"])
    made["repeated_call"].set_header("authorization", "Bearer " + token)
    retry(made, "repeated_call")


@page(native, ok=lambda made: renewed_and_refused(made, "k1"))
def new_key_refused(made):
    renewed_and_refused(made, "k2")


@page(native, ok=lambda made: renewed_and_refused(made, "k1"))
def accepted_token_refused(made):
    refuse(made, "call")
    retry(made, "call")


@page(native, ok=refused)
def token_refused_at_first(made):
    first = made.insert("refused", made["initialize"].copy(), after="token")
    first.answer_like(made["challenge"])
    say_invalid(first)
    made["initialize"].gap = 1.5


@page(native)
def token_accepted_by_turns(made):
    for name in ("initialized", "call"):
        made[name].answer_like(made["challenge"])
        say_invalid(made[name])


def turned_away(made):
    answer_json(made["initialize"], 403, "Forbidden", {"error": "forbidden"})
    at_an_edge(made["initialize"])
    made.cut_after("initialize")


@page(native, ok=turned_away)
def blocked_by_edge(made):
    answer_page(made["initialize"], 403, "Forbidden", "Just a moment...")
    named_by_an_edge(made["initialize"])
    made.cut_after("initialize")
    retry(made, "initialize")


# --- session


def no_such_session(*steps):
    for step in steps:
        error = {"code": -32001, "message": "Session not found"}
        answer_json(step, 404, "Not Found", {"jsonrpc": "2.0", "error": error, "id": None})


def session_ends(made):
    no_such_session(made["call"])
    made.cut_after("call")


def session_ends_and_begins(made):
    session_ends(made)
    made.replace({made.session_id(): made.session_id()})
    again = append(made, "initialize_again", made["initialize"].copy())
    again.set_header("mcp-session-id", made.uuid(), "response")


@page(native, ok=session_ends)
def session_unknown_at_once(made):
    no_such_session(made["initialized"], made["list"])
    made.cut_after("list")


@page(native, ok=session_ends)
def session_known_to_one_replica(made):
    no_such_session(made["list"])
    last = append(made, "list_again", made["list"].copy())
    last.gap = 0.5


@page(native, ok=session_ends_and_begins)
def session_ended_by_server(made):
    session_ends(made)
    retry(made, "call")


@page(native, ok=session_ends)
def session_bound_to_token(made):
    expires(made)
    no_such_session(made["repeated_call"])
    retry(made, "repeated_call")


def wrong_version(*steps):
    for step in steps:
        error = {"code": -32000, "message": "Bad Request: Unsupported protocol version"}
        answer_json(step, 400, "Bad Request", {"jsonrpc": "2.0", "error": error, "id": None})


@page(native)
def version_header_absent(made):
    for name in ("initialized", "list"):
        made[name].set_header("mcp-protocol-version", None)
    wrong_version(made["initialized"], made["list"])
    made.cut_after("list")


@page(native)
def version_header_differs(made):
    for name in ("initialized", "list"):
        made[name].set_header("mcp-protocol-version", "2024-11-05")
    wrong_version(made["initialized"], made["list"])
    made.cut_after("list")


@page(stateless)
def method_header_differs(made):
    made["initialize"].set_header("mcp-method", "tools/list")
    error = {"code": -32020, "message": "Mcp-Method header does not match the body"}
    answer_json(made["initialize"], 400, "Bad Request", {"jsonrpc": "2.0", "error": error, "id": 0})
    made.cut_after("initialize")


# --- two points of the path


@page(native, ok=behind_a_gateway)
def authorization_gone_behind_hop(made):
    call_missing(made, "initialize")
    retry(made, "initialize")
    behind_a_gateway(made)
    for name in [name for name in made.steps if name.endswith("_behind")]:
        without_token(made, name)


def invalid_behind_a_gateway(made):
    refuse(made, "initialize")
    retry(made, "initialize")
    behind_a_gateway(made)


@page(native, ok=invalid_behind_a_gateway)
def arrived_token_called_missing(made):
    call_missing(made, "initialize")
    retry(made, "initialize")
    behind_a_gateway(made)


@page(native, ok=behind_a_gateway)
def challenge_removed_on_the_way(made):
    made.cut_after("challenge")
    retry(made)
    behind_a_gateway(made)
    for name in [name for name in made.steps if not name.endswith("_behind")]:
        made[name].set_header("www-authenticate", None, "response")


@page(native, ok=lambda made: bound_token(made, True))
def dpop_nonce_challenge_not_answered(made):
    bound_token(made, True)
    made.cut_after("without_nonce")
    # The client takes the refusal for one of the token and begins another login.
    for name in ("resource_metadata", "as_metadata", "authorization"):
        append(made, "again_" + name, made[name].copy())
    made["again_authorization"].set_query(state=made.uuid())
