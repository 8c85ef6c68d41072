"""Authorization requests and their answers, for the recordings beside the rule pages."""

import traffic
from incidents import HOSTS, answer_authorization, begin_again, document, not_found, refuse
from short import error_page, login, of, page, refused_token, registers, without

MODERN = of("2026-07-28", login)


# --- authorization-request


@page(login)
def authorization_without_client_id(made):
    made["authorization"].set_query(client_id=None)
    error_page(made, "invalid_request")


@page(login)
def client_id_placeholder(made):
    made["authorization"].set_query(client_id="undefined")
    error_page(made, "invalid_client")


@page(registers)
def login_answered_by_server_error(made):
    error_page(made, "server_error", 500, "Internal Server Error")


def sent_back(made, error):
    answer_authorization(made, code=None, error=error)
    made.cut_after("callback")
    begin_again(made)


@page(login)
def response_type_not_code(made):
    made["authorization"].set_query(response_type="token")
    sent_back(made, "unsupported_response_type")


@page(login)
def password_grant(made):
    made.drop("authorization", "callback")
    made["token"].set_form(
        grant_type="password", code=None, code_verifier=None, redirect_uri=None, username="mira", password="test-only-passphrase"
    )
    refused_token(made, "unsupported_grant_type")


def with_two_redirects(seed):
    made = registers(seed)
    uris = made["registration"].json["redirect_uris"] + ["http://127.0.0.1:33419/callback"]
    made["registration"].send_json(made["registration"].json | {"redirect_uris": uris})
    made["registration"].respond_json(made["registration"].answer | {"redirect_uris": uris})
    return made


@page(with_two_redirects)
def redirect_uri_omitted(made):
    made["authorization"].set_query(redirect_uri=None)
    error_page(made, "invalid_request")


@page(login)
def redirect_uri_not_absolute(made):
    made["authorization"].set_query(redirect_uri="/callback")
    error_page(made, "invalid_request")


@page(login)
def parameter_repeated(made):
    made["authorization"].set_query(scope=["mcp:tools", "mcp:tools openid"])
    sent_back(made, "invalid_request")


@page(login)
def endpoint_not_as_announced(made):
    document(made, "as_metadata", authorization_endpoint="https://as.example.com/v2/authorize")
    error_page(made, "not found", 404, "Not Found")


def at_a_tenant(made):
    document(made, "as_metadata", authorization_endpoint="https://as.example.com/authorize?tenant=acme")


def keeps_tenant(made):
    at_a_tenant(made)
    made["authorization"].set_query(tenant="acme")


@page(login, ok=keeps_tenant)
def endpoint_query_dropped(made):
    at_a_tenant(made)
    refuse(made, "initialize")


def with_another_redirect(seed):
    made = registers(seed)
    uris = ["http://127.0.0.1:33418/oauth/callback"]
    made["registration"].send_json(made["registration"].json | {"redirect_uris": uris})
    made["registration"].respond_json(made["registration"].answer | {"redirect_uris": uris})
    return made


@page(with_another_redirect, ok=lambda made: error_page(made, "redirect_uri_mismatch"))
def unregistered_redirect_accepted(made):
    pass


@page(login)
def redirect_uri_over_http(made):
    made["authorization"].set_query(redirect_uri="http://notes.example.org/callback")
    error_page(made, "invalid_redirect_uri")


# --- callback


def posts_login(seed):
    """The last form of the login page is answered with the redirect that carries the code."""
    made = traffic.native(seed, HOSTS, direct=False)
    made.drop("registration", "initialized", "stream", "list", "call", "end")
    form = traffic.recorded("clean-2025-11-25-mitmproxy", "session.har", 10)
    resume = made["resume"]
    page_url = "https://as.example.com/interaction/" + made.text()
    made["authorization"].redirect_to(page_url.removeprefix("https://as.example.com"))
    resume.entry["request"] = form.copy().entry["request"]
    resume.url = page_url
    for name in ("origin", "referer"):
        resume.set_header(name, None)
    return made


@page(posts_login)
def login_repeated_by_307(made):
    made["resume"].set_status(307, "Temporary Redirect")
    posted = made["resume"].copy()
    callback = made["callback"]
    url = callback.url
    callback.entry["request"] = posted.entry["request"]
    callback.url = url
    callback.set_status(405, "Method Not Allowed")
    callback.respond("<!doctype html><title>Notes Desk</title><p>Method not allowed.</p>")
    made.cut_after("callback")
    begin_again(made)


@page(login)
def wrong_state_accepted(made):
    answer_authorization(made, state=made.uuid())


@page(MODERN)
def iss_absent(made):
    answer_authorization(made, iss=None)


@page(MODERN)
def iss_not_advertised(made):
    without(made, "as_metadata", "authorization_response_iss_parameter_supported")


def by_default_paths(made, iss):
    """There is no metadata, and the client goes on without."""
    not_found(made["as_metadata"])
    openid = made.insert("openid", made["as_metadata"].copy(), after="as_metadata")
    openid.url = openid.url.replace("oauth-authorization-server", "openid-configuration")
    answer_authorization(made, iss=iss)


@page(login, ok=lambda made: by_default_paths(made, None))
def iss_without_metadata(made):
    by_default_paths(made, "https://as.example.com")
    made["callback"].set_status(400, "Bad Request")
    made.cut_after("callback")


@page(MODERN)
def iss_mismatch_accepted(made):
    answer_authorization(made, iss="https://as.example.com/")


@page(MODERN)
def promised_iss_not_demanded(made):
    answer_authorization(made, iss=None)


# --- redemption


@page(login)
def code_absent_in_token_request(made):
    answer_authorization(made, code=None, error="access_denied")
    made["token"].set_form(code=None)
    refused_token(made, "invalid_request")


@page(login)
def old_code_accepted(made):
    made["token"].gap = 900


def redeemed_at_once(made):
    refused_token(made, "invalid_grant")


@page(login, ok=redeemed_at_once)
def code_redeemed_too_late(made):
    made["token"].gap = 900
    refused_token(made, "invalid_grant")
