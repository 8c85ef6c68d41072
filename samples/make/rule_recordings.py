#!/usr/bin/env python3
"""Makes the two recordings beside each rule page: one small incident with the fault, and the same without it.

    samples/make/rule_recordings.py [SLUG...]

Every message comes from `samples/labelled/` and is changed in the one point that the page is about. The faults that
pages are about stand here and in the `faults_*` files beside it.
"""

import sys
from pathlib import Path

import traffic
import faults_discovery  # noqa: F401, registers pages
import faults_login  # noqa: F401
import faults_mcp  # noqa: F401
import faults_renewal  # noqa: F401
from incidents import (
    MCP,
    PAGES,
    answer_authorization,
    append,
    begin_again,
    browser,
    call_missing,
    document,
    expires,
    native,
    native_with_login_page,
    not_found,
    of_2025_06_18,
    other_login,
    page,
    refuse,
    refuse_callback,
    refused_grant,
    retry,
    without_pointer,
    without_token,
)

RULES = Path(__file__).resolve().parents[2] / "rules"


# --- challenge


@page(of_2025_06_18)
def challenge_unusable(made):
    without_pointer(made)
    made.cut_after("challenge")
    retry(made)


@page(native)
def challenge_missing(made):
    made["challenge"].set_header("www-authenticate", None, "response")
    made.cut_after("challenge")
    retry(made)


def rename_challenge(made):
    value = made["challenge"].header("www-authenticate", "response")
    made["challenge"].set_header("x-amzn-remapped-www-authenticate", value, "response")


@page(native, ok=rename_challenge)
def challenge_renamed_on_the_way(made):
    rename_challenge(made)
    made["challenge"].set_header("www-authenticate", None, "response")
    made.cut_after("challenge")
    retry(made)


# --- resource-metadata, as-metadata


def probe_both_places(made):
    """No pointer: the client looks at the place with the path, then at the root."""
    without_pointer(made)
    at_root = made.insert("resource_metadata_root", made["resource_metadata"].copy(), after="resource_metadata")
    at_root.url = at_root.url.removesuffix("/mcp")
    not_found(made["resource_metadata"])


@page(native, ok=probe_both_places)
def metadata_at_no_known_place(made):
    probe_both_places(made)
    not_found(made["resource_metadata_root"])
    made.cut_after("resource_metadata_root")
    retry(made)


@page(native)
def advertised_metadata_unusable(made):
    not_found(made["resource_metadata"])
    made.cut_after("resource_metadata")
    retry(made)


@page(native)
def resource_of_another_server(made):
    document(made, "resource_metadata", resource="http://mcp-a.internal:8081/mcp")
    made.cut_after("resource_metadata")
    retry(made)


@page(native)
def issuer_named_by_alias(made):
    document(made, "resource_metadata", authorization_servers=["https://login.example.com"])
    made["as_metadata"].url = made["as_metadata"].url.replace("as.example.com", "login.example.com")
    made.cut_after("as_metadata")
    retry(made)


@page(native)
def issuer_mismatch(made):
    document(made, "as_metadata", issuer="http://as.internal:9000")
    made.cut_after("as_metadata")
    retry(made)


# --- registration


@page(browser)
def registration_blocked_by_cors(made):
    case = ("cors-registration-endpoint-blocked", "browser-sanitized.har")
    made["registration"].answer_like(traffic.recorded(*case, 8))
    made["registration"].entry["request"]["headersSize"] = -1
    made["registration_preflight"].answer_like(traffic.recorded(*case, 9))
    made.cut_after("registration")


# --- authorization-request


@page(native)
def code_challenge_absent(made):
    made["authorization"].set_query(code_challenge=None, code_challenge_method=None)
    answer_authorization(
        made, code=None, error="invalid_request", error_description="Authorization Server policy requires PKCE to be used"
    )
    made.cut_after("callback")
    begin_again(made)


@page(native)
def state_absent(made):
    made["authorization"].set_query(state=None)
    answer_authorization(made, state=None)


@page(native)
def resource_absent(made):
    made["authorization"].set_query(resource=None)
    made["token"].set_form(resource=None)
    made.claims(aud=made["token"].form["client_id"])
    refuse(made, "initialize")


@page(native)
def resource_not_as_announced(made):
    origin = MCP.removesuffix("mcp")
    made["authorization"].set_query(resource=origin)
    made["token"].set_form(resource=origin)
    made.claims(aud=origin)
    refuse(made, "initialize")


@page(browser)
def redirect_uri_on_another_origin(made):
    made.replace({"http://localhost:6274/callback": "http://127.0.0.1:6274/callback"})
    made["callback"].url = made["callback"].url  # the host follows
    made.cut_after("callback")


# --- callback


@page(native)
def state_not_returned(made):
    answer_authorization(made, state=made["authorization"].query["state"][:32])
    refuse_callback(made, "unknown state")


def refused_alone(made):
    refuse_callback(made, "unknown state")


@page(native_with_login_page, ok=refused_alone)
def authorization_superseded(made):
    other_login(made)
    refuse_callback(made, "unknown state")


@page(native)
def callback_refused_by_client(made):
    refuse_callback(made, "internal error")


# --- token-request


@page(native_with_login_page, ok=other_login)
def verifier_of_another_flow(made):
    made["token"].set_form(code_verifier=other_login(made))
    refused_grant(made, made["token"])
    made.cut_after("token")


@page(native)
def code_used_twice(made):
    again = made["token"].copy()
    again.gap = 0.004
    refused_grant(made, again)
    made.cut_after("token")
    append(made, "token_again", again)
    retry(made, "token_again")


@page(native)
def code_never_redeemed(made):
    made.cut_after("callback")
    begin_again(made)


@page(native)
def resource_absent_in_token_request(made):
    made["token"].set_form(resource=None)
    made.claims(aud=made["token"].form["client_id"])
    refuse(made, "initialize")


# --- token-response


@page(browser)
def token_answer_unreadable(made):
    made["token"].answer_like(traffic.recorded("cors-token-answer-unreadable", "browser.har", 24))
    made["token"].set_header("server", None, "response")
    made.cut_after("token")


def through_an_edge(made):
    made["token"].set_header("via", "1.1 edge-3", "response")


@page(browser, ok=through_an_edge)
def allow_origin_removed_on_the_way(made):
    token_answer_unreadable(made)
    through_an_edge(made)


@page(native)
def token_for_another_audience(made):
    made.claims(aud=made["token"].form["client_id"])
    refuse(made, "initialize")


# --- token-attachment


@page(native)
def token_not_attached(made):
    without_token(made, "initialize")
    call_missing(made, "initialize")
    retry(made, "initialize")


@page(native)
def token_attached_only_at_first(made):
    without_token(made, "initialized", "list")
    call_missing(made, "initialized", "list")


def cut_off(made):
    made["initialize"].set_header("authorization", "Bearer " + made.token[:255])
    refuse(made, "initialize")
    retry(made, "initialize")


@page(native)
def token_cut_off(made):
    cut_off(made)


@page(native, ok=cut_off)
def sent_token_called_missing(made):
    call_missing(made, "initialize")
    retry(made, "initialize")


def cut_off_behind_gateway(made):
    made["initialize"].set_header("authorization", "Bearer " + made.token[:255])
    refuse(made, "initialize")
    made["initialize"].set_header("server", "nginx/1.22.1", "response")
    retry(made, "initialize")


@page(native, ok=cut_off_behind_gateway)
def token_called_missing_behind_gateway(made):
    call_missing(made, "initialize")
    made["initialize"].set_header("server", "nginx/1.22.1", "response")
    retry(made, "initialize")


# --- token-acceptance


@page(native, ok=cut_off)
def server_misreads_authorization(made):
    call_missing(made, "initialize")
    retry(made, "initialize")


@page(native, ok=lambda made: refuse(made, "initialize"))
def token_answered_by_server_error(made):
    made["initialize"].set_status(500, "Internal Server Error")
    made["initialize"].set_header("mcp-session-id", None, "response")
    made["initialize"].respond_json({"error": "server_error", "error_description": "Internal Server Error"})
    made.cut_after("initialize")
    retry(made, "initialize")


@page(native)
def right_audience_refused(made):
    refuse(made, "initialize")
    retry(made, "initialize")


def refused(made):
    refuse(made, "initialize")


@page(native, ok=refused)
def clock_differs(made):
    refuse(made, "initialize")
    made["initialize"].ahead = 2 * 3600
    retry(made, "initialize")


@page(native, ok=refused)
def issuer_refused(made):
    made.claims(iss="https://sts.example.com/tenants/4711")
    refuse(made, "initialize")


# --- session


@page(browser)
def session_id_hidden_by_cors(made):
    refusal = traffic.recorded("cors-session-id-not-exposed", "browser.har", 27)
    made["initialized"].answer_like(refusal)
    made["initialized"].set_header("mcp-session-id", None)
    made["initialized_preflight"].set_header(
        "access-control-request-headers", "authorization,content-type,mcp-protocol-version"
    )
    for step in made.steps.values():
        if step.url.startswith(MCP):
            step.set_header("access-control-expose-headers", "WWW-Authenticate", "response")
    made.cut_after("initialized")


@page(native)
def session_id_not_carried(made):
    refusal = traffic.recorded("cors-session-id-not-exposed", "browser.har", 27)
    for name in ("initialized", "list"):
        made[name].set_header("mcp-session-id", None)
        made[name].set_status(400, "Bad Request")
        made[name].set_header("content-type", "application/json; charset=utf-8", "response")
        made[name].set_header("mcp-session-id", None, "response")
        made[name].respond(refusal.entry["response"]["content"]["text"])
    made.cut_after("list")


# --- renewal


@page(native, ok=expires)
def refresh_refused(made):
    expires(made)
    refused_grant(made, made["refresh"])
    made["repeated_call"].entry = made["expired_call"].copy().entry


def main(wanted):
    pages = {path.stem: path for path in RULES.glob("*/*.md")}
    without = sorted(set(pages) - set(PAGES))
    if without:
        print("no recordings made here for: " + ", ".join(without))
    for slug, (build, fault, ok) in PAGES.items():
        if wanted and slug not in wanted:
            continue
        for which, change in (("violated", fault), ("satisfied", ok)):
            made = build(slug)
            change(made)
            made.write(pages[slug].with_name(f"{slug}.{which}.har"))


# Makers in files of their own register their pages here.
MORE = [
    "rules_attempts",
    "rules_discovery",
    "rules_extensions",
    "rules_lifecycle",
    "rules_login",
    "rules_registration",
    "rules_token_endpoint",
    "rules_token_use",
    "rules_custody",
    "rules_transport",
    "rules_streams",
    "rules_eras",
]

if __name__ == "__main__":
    # They import this module by its name, so that all register in one place.
    sys.modules["rule_recordings"] = sys.modules["__main__"]
    for more in MORE:
        __import__(more)
    main(sys.argv[1:])
