"""PKCE and the token endpoint, for the recordings beside the rule pages."""

import base64
import json
from urllib.parse import urlencode

import traffic
from incidents import page as registers
from incidents import (
    HOSTS,
    answer_authorization,
    begin_again,
    document,
    native,
    native_with_login_page,
    other_login,
    refuse,
    refused_grant,
    retry,
)

# Headers that say something; the others are left out, to keep the recordings small.
TELLING = {
    "accept", "access-control-allow-headers", "access-control-allow-origin", "access-control-expose-headers",
    "access-control-request-headers", "access-control-request-method", "authorization", "cache-control", "content-length",
    "content-type", "date", "dpop", "host", "location", "mcp-method", "mcp-name", "mcp-protocol-version", "mcp-session-id",
    "origin", "user-agent", "www-authenticate",
}
UNUSED = {
    "claims_supported", "end_session_endpoint", "id_token_signing_alg_values_supported", "claim_types_supported",
    "claims_parameter_supported", "request_uri_parameter_supported", "response_modes_supported", "subject_types_supported",
    "token_endpoint_auth_signing_alg_values_supported", "userinfo_endpoint", "pushed_authorization_request_endpoint",
    "revocation_endpoint", "response_types_supported",
}


def page(build, ok=None):
    """As `whole_page`, up to the first request with the token."""

    def login(seed):
        made = build(seed)
        made.drop("initialized", "list", "call")
        return made

    return whole_page(login, ok)


def whole_page(build, ok=None):
    """As `incidents.page`, with smaller recordings."""

    def slim(seed):
        made = build(seed)
        for step in made.steps.values():
            for side in ("request", "response"):
                headers = step.entry[side]["headers"]
                headers[:] = [header for header in headers if header["name"].lower() in TELLING]
        if "as_metadata" in made.steps:
            answer = {name: value for name, value in made["as_metadata"].answer.items() if name not in UNUSED}
            made["as_metadata"].respond_json(answer)
        return made

    return registers(slim, ok)


SECRET = "Zq1f-test-only-8Jx0vT2nKp5sYw"


def registered(seed):
    """A native client that registers before it logs in."""
    made = traffic.native(seed, HOSTS)
    made.drop("stream", "end")
    return made


def confidential(method):
    """An incident of a client that is registered with a secret and authenticates by it."""

    def build(seed):
        made = registered(seed)
        step = made["registration"]
        step.send_json({**step.json, "token_endpoint_auth_method": method})
        step.respond_json({**step.answer, "token_endpoint_auth_method": method, "client_secret": SECRET})
        authenticate(made, method)
        return made

    return build


def authenticate(made, method):
    """Authenticates the token request by this method."""
    client_id = made["authorization"].query["client_id"]
    if method == "client_secret_basic":
        credentials = base64.b64encode(f"{client_id}:{SECRET}".encode()).decode()
        made["token"].set_header("authorization", "Basic " + credentials)
    elif method == "client_secret_post":
        made["token"].set_form(client_secret=SECRET)


def refuse_token(made):
    """The token endpoint refuses, and the client comes to an end."""
    refused_grant(made, made["token"])
    made.cut_after("token")


def refuse_client(made):
    refuse_token(made)
    made["token"].set_status(401, "Unauthorized")
    made["token"].respond_json({"error": "invalid_client", "error_description": "client authentication failed"})


def refuse_request(made):
    refuse_token(made)
    made["token"].respond_json({"error": "invalid_request", "error_description": "missing required parameter(s)"})


def refuse_attempt(made, reason):
    """The authorization server turns the authorization request away on the redirect."""
    answer_authorization(made, code=None, error="invalid_request", error_description=reason)
    made.cut_after("callback")
    begin_again(made)


def ends_after_login(made):
    """The client stores nothing and begins again."""
    made.cut_after("token")
    begin_again(made)


# --- PKCE


@page(native)
def verifier_absent(made):
    made["token"].set_form(code_verifier=None)
    refuse_token(made)


def plain(made):
    verifier = made["token"].form["code_verifier"]
    made["authorization"].set_query(code_challenge=verifier, code_challenge_method="plain")


@page(native, ok=plain)
def plain_verifier_differs(made):
    made["authorization"].set_query(code_challenge_method=None)
    refuse_token(made)


@page(native)
def challenge_method_plain(made):
    made["authorization"].set_query(code_challenge_method=None)
    refuse_attempt(made, "not supported value of code_challenge_method")


@page(native)
def challenge_malformed(made):
    challenge = made["authorization"].query["code_challenge"]
    made["authorization"].set_query(code_challenge=challenge + "=")
    refuse_attempt(made, "code_challenge must be a string with a minimum length of 43 characters")


@page(native)
def verifier_malformed(made):
    verifier = made["token"].form["code_verifier"][:32]
    made["token"].set_form(code_verifier=verifier)
    made["authorization"].set_query(code_challenge=traffic.s256(verifier))
    refuse_request(made)


@page(native_with_login_page, ok=other_login)
def challenge_used_again(made):
    other_login(made)
    challenge = made["authorization"].query["code_challenge"]
    made["other_authorization"].set_query(code_challenge=challenge)


@page(native)
def wrong_verifier_granted(made):
    made["token"].set_form(code_verifier=made.text())


def without_verifier(made):
    made["token"].set_form(code_verifier=None)


def verifier_is_demanded(made):
    without_verifier(made)
    refuse_token(made)


@page(native, ok=verifier_is_demanded)
def verifier_not_demanded(made):
    without_verifier(made)


def turned_away(made):
    made["authorization"].set_query(code_challenge=None, code_challenge_method=None)
    refuse_attempt(made, "Authorization Server policy requires PKCE to be used for this request")


@page(registered, ok=turned_away)
def code_given_without_challenge(made):
    made["authorization"].set_query(code_challenge=None, code_challenge_method=None)
    without_verifier(made)


# --- the token request


@page(native)
def token_request_not_a_form(made):
    form = made["token"].form
    made["token"].send(json.dumps(form, separators=(",", ":")))
    made["token"].set_header("content-type", "application/json")
    made["token"].entry["request"]["postData"]["mimeType"] = "application/json"
    made["token"].entry["request"]["postData"].pop("params", None)
    refuse_request(made)


@page(native)
def credentials_in_token_url(made):
    form = made["token"].form
    made["token"].url += "?" + urlencode({"code": form["code"]})
    made["token"].set_form(code=None)
    refuse_request(made)


@page(native)
def token_parameter_repeated(made):
    client_id = made["token"].form["client_id"]
    made["token"].set_form(client_id=[client_id, client_id])
    refuse_request(made)


@page(native)
def code_not_as_received(made):
    code = made["token"].form["code"]
    made["token"].set_form(code=code[:-1])
    refuse_token(made)


@page(native)
def another_client_id_redeems(made):
    made["token"].set_form(client_id=made.text())
    refuse_token(made)


@page(native)
def client_id_absent(made):
    made["token"].set_form(client_id=None)
    refuse_request(made)


@page(confidential("client_secret_basic"))
def client_authenticates_twice(made):
    made["token"].set_form(client_secret=SECRET)
    refuse_request(made)


@page(confidential("client_secret_basic"))
def client_auth_not_as_registered(made):
    made["token"].set_header("authorization", None)
    authenticate(made, "client_secret_post")
    refuse_client(made)


@page(confidential("client_secret_post"))
def client_auth_not_supported(made):
    document(made, "as_metadata", token_endpoint_auth_methods_supported=["client_secret_basic", "none"])
    refuse_client(made)


@page(native)
def code_redeemed_elsewhere(made):
    other = made["as_metadata"].copy()
    text = other.entry["response"]["content"]["text"].replace("as.example.com", "login.example.net")
    other.respond(text)
    other.url = other.url.replace("as.example.com", "login.example.net")
    made.insert("other_metadata", other, after="as_metadata")
    servers = ["https://as.example.com", "https://login.example.net"]
    document(made, "resource_metadata", authorization_servers=servers)
    made["token"].url = made["token"].url.replace("as.example.com", "login.example.net")
    refuse_token(made)


# --- the token response


@page(native)
def success_without_token(made):
    form = {name: str(value) for name, value in made["token"].answer.items()}
    made["token"].respond(urlencode(form))
    ends_after_login(made)


@page(native)
def token_type_absent(made):
    answer = made["token"].answer
    answer.pop("token_type")
    made["token"].respond_json(answer)
    ends_after_login(made)


@page(native)
def token_answer_not_json(made):
    made["token"].set_header("content-type", "text/plain; charset=utf-8", "response")
    made["token"].entry["response"]["content"]["mimeType"] = "text/plain; charset=utf-8"
    ends_after_login(made)


@page(native)
def token_answer_cacheable(made):
    made["token"].set_header("cache-control", "max-age=60", "response")


@page(native, ok=refuse_token)
def token_error_unreadable(made):
    refuse_token(made)
    made["token"].set_header("content-type", "text/html; charset=utf-8", "response")
    made["token"].entry["response"]["content"]["mimeType"] = "text/html; charset=utf-8"
    made["token"].respond("<!doctype html><title>Bad Request</title><p>Something went wrong.</p>")


@page(native, ok=refuse_token)
def token_error_status_unfit(made):
    refuse_request(made)
    made["token"].set_status(500, "Internal Server Error")


def refused_the_second_time(made):
    again = made.insert("token_again", made["token"].copy(), after="token")
    again.gap = 0.4
    refused_grant(made, again)


@page(native, ok=refused_the_second_time)
def code_granted_twice(made):
    again = made.insert("token_again", made["token"].copy(), after="token")
    again.gap = 0.4


@page(native)
def token_type_not_honoured(made):
    made["token"].respond_json({**made["token"].answer, "token_type": "DPoP"})
    refuse(made, "initialize")
    retry(made, "initialize")
