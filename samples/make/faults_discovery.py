"""Faults of discovery and registration, for the recordings beside the rule pages."""

from urllib.parse import quote

import traffic
from faults_mcp import answer_json, answer_page, at_an_edge, blocked, stateless
from incidents import HOSTS, append, browser, document, native, not_found, of_2025_06_18, page, retry, without_pointer


def registers(seed):
    made = traffic.native(seed, HOSTS)
    made.drop("stream", "end")
    return made


def without(made, name, *members):
    answer = {key: value for key, value in made[name].answer.items() if key not in members}
    made[name].respond_json(answer)


# --- resource-metadata


@page(native)
def challenge_not_followed(made):
    made.cut_after("challenge")
    retry(made)


@page(of_2025_06_18, ok=without_pointer)
def metadata_not_found(made):
    without_pointer(made)
    for name in ("resource_metadata", "as_metadata"):
        not_found(made[name])
    made["as_metadata"].url = made["as_metadata"].url.replace("as.example.com", "mcp.example.com")
    at_root = made.insert("at_root", made["resource_metadata"].copy(), after="resource_metadata")
    at_root.url = at_root.url.removesuffix("/mcp")
    made.cut_after("as_metadata")


def hidden(made, name):
    made[name].set_header("access-control-allow-origin", None, "response")
    made[name].unreadable("net::ERR_FAILED")
    made.cut_after(name)


@page(browser)
def metadata_hidden_by_cors(made):
    hidden(made, "resource_metadata")


@page(browser)
def metadata_preflight_refused(made):
    blocked(made, "resource_metadata")


# --- as-metadata


@page(browser)
def as_metadata_hidden_by_cors(made):
    hidden(made, "as_metadata")


@page(browser)
def as_metadata_preflight_refused(made):
    blocked(made, "as_metadata")


@page(native)
def pkce_support_not_advertised(made):
    without(made, "as_metadata", "code_challenge_methods_supported")
    made.cut_after("as_metadata")
    retry(made)


@page(native)
def no_way_to_register(made):
    without(made, "as_metadata", "registration_endpoint")
    made.cut_after("as_metadata")
    retry(made)


@page(native)
def pkce_support_assumed(made):
    without(made, "as_metadata", "code_challenge_methods_supported")


def probes(made, issuer, *urls):
    """The client looks for the metadata of an issuer at these places and finds nothing."""
    document(made, "resource_metadata", authorization_servers=[issuer])
    not_found(made["as_metadata"])
    made.cut_after("as_metadata")
    first, *others = urls
    made["as_metadata"].url = first
    for number, url in enumerate(others):
        append(made, f"probe_{number}", made["as_metadata"].copy()).url = url
    retry(made)


TENANT = "https://as.example.com/tenant-7"
OAUTH = "https://as.example.com/.well-known/oauth-authorization-server"
OIDC = "https://as.example.com/.well-known/openid-configuration"


def probes_all(made):
    probes(made, TENANT, OAUTH + "/tenant-7", OIDC + "/tenant-7", TENANT + "/.well-known/openid-configuration")


@page(native, ok=probes_all)
def issuer_path_lost(made):
    probes(made, TENANT, OAUTH, OIDC)


def second_place(made):
    first = made.insert("first_probe", made["as_metadata"].copy(), after="resource_metadata")
    not_found(first)
    made["as_metadata"].url = OIDC


@page(native, ok=second_place)
def as_metadata_not_found(made):
    probes(made, "https://as.example.com", OAUTH, OIDC)


# --- registration


@page(registers)
def registration_needs_token(made):
    says = {"error": "invalid_token", "error_description": "no access token provided"}
    answer_json(made["registration"], 401, "Unauthorized", says)
    made.cut_after("registration")
    retry(made)


@page(registers)
def registration_refused(made):
    says = {"error": "invalid_redirect_uri", "error_description": "redirect_uris must only contain https uris"}
    answer_json(made["registration"], 400, "Bad Request", says)
    made.cut_after("registration")
    retry(made)


def registration_forbidden(made):
    answer_json(made["registration"], 403, "Forbidden", {"error": "access_denied"})
    at_an_edge(made["registration"])
    made.cut_after("registration")


@page(registers, ok=registration_forbidden)
def registration_blocked_by_edge(made):
    answer_page(made["registration"], 403, "Forbidden", "Just a moment...")
    at_an_edge(made["registration"])
    made.cut_after("registration")
    retry(made)


def error_page(made, code, name="authorization"):
    answer_page(made[name], 400, "Bad Request", "oops! something went wrong")
    made[name].redirect_to("")
    made[name].set_header("location", None, "response")
    made[name].respond(f"<!doctype html><title>oops!</title><pre><strong>error</strong>: {code}</pre>")
    made.cut_after(name)
    retry(made)


def comes_with_document(made):
    made.replace({made["token"].form["client_id"]: "https://notes-desk.example.net/client.json"})
    document(made, "as_metadata", client_id_metadata_document_supported=True)


@page(native, ok=comes_with_document)
def client_metadata_document_refused(made):
    comes_with_document(made)
    error_page(made, "invalid_client")


@page(native)
def client_unknown_to_authorization_server(made):
    error_page(made, "invalid_client")


@page(native)
def client_unknown_at_token_endpoint(made):
    says = {"error": "invalid_client", "error_description": "client is invalid"}
    answer_json(made["token"], 401, "Unauthorized", says)
    made.cut_after("token")
    retry(made)


# --- authorization-request: the redirect URI


def registered_as(made, uri):
    step = made["registration"]
    step.send_json({**step.json, "redirect_uris": [uri]})
    step.respond_json({**step.answer, "redirect_uris": [uri]})


@page(registers)
def redirect_uri_not_registered(made):
    registered_as(made, "http://localhost:33418/callback")
    error_page(made, "invalid_redirect_uri")


def on_another_port(made):
    registered_as(made, "http://127.0.0.1:40117/callback")


@page(registers, ok=on_another_port)
def loopback_port_refused(made):
    on_another_port(made)
    error_page(made, "invalid_redirect_uri")


@page(stateless)
def client_id_of_another_issuer(made):
    """The resource changes its authorization server in the middle of a session, and the client does not register there."""
    names = {"localhost:9000": "localhost:9500"}
    pairs = [*names.items(), *[(quote(old, safe=""), quote(new, safe="")) for old, new in names.items()]]
    made["list"].answer_like(made["challenge"])
    made.cut_after("list")
    for name in ("resource_metadata", "as_metadata", "authorization"):
        step = append(made, "new_" + name, made[name].copy())
        step.entry = traffic._replaced(step.entry, pairs)
    made["new_authorization"].set_query(state=made.uuid())
    answer_page(made["new_authorization"], 400, "Bad Request", "oops! something went wrong")
    made["new_authorization"].redirect_to("")
    made["new_authorization"].set_header("location", None, "response")
    retry(made, "list")
