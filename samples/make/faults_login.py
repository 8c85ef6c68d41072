"""Faults of login and token exchange, for the recordings beside the rule pages."""

from faults_discovery import error_page, without
from faults_mcp import answer_json, answer_page, at_an_edge, stateless
from incidents import (
    MCP,
    answer_authorization,
    begin_again,
    document,
    native,
    page,
    refuse,
    refuse_callback,
    refused_grant,
    retry,
)


def sent_back_with(made, error):
    answer_authorization(made, code=None, error=error, error_description=error.replace("_", " "))
    made.cut_after("callback")
    begin_again(made)


@page(native)
def resource_refused(made):
    sent_back_with(made, "invalid_target")


@page(native)
def resource_refused_on_page(made):
    error_page(made, "AADSTS9010010: The resource parameter provided in the request doesn't match with the requested scopes.")


@page(native)
def resource_refused_in_exchange(made):
    says = {"error": "invalid_target", "error_description": "resource indicator is missing, or unknown"}
    answer_json(made["token"], 400, "Bad Request", says)
    made.cut_after("token")
    retry(made)


def scope_refused_of(made, scope):
    made["authorization"].set_query(scope=scope)
    sent_back_with(made, "invalid_scope")


@page(native)
def scope_refused(made):
    without(made, "as_metadata", "scopes_supported")
    scope_refused_of(made, "mcp:everything")


@page(native, ok=lambda made: scope_refused_of(made, "mcp:admin"))
def scope_not_offered(made):
    scope_refused_of(made, "mcp:tools mcp:everything")


@page(native, ok=lambda made: scope_refused_of(made, "mcp:admin"))
def announced_scope_refused(made):
    scope_refused_of(made, "mcp:tools")


# --- callback


def never_redeemed(made):
    made.cut_after("callback")
    begin_again(made)


@page(native, ok=never_redeemed)
def callback_not_delivered(made):
    made.cut_after("authorization")
    begin_again(made)


@page(stateless)
def iss_not_passed_on(made):
    refuse_callback(made, "missing required issuer")


def without_iss(made):
    document(made, "as_metadata", authorization_response_iss_parameter_supported=False)
    answer_authorization(made, iss=None)


@page(stateless, ok=without_iss)
def iss_demanded_though_not_advertised(made):
    without_iss(made)
    refuse_callback(made, "missing required issuer")


@page(stateless)
def promised_iss_absent(made):
    answer_authorization(made, iss=None)
    refuse_callback(made, "missing required issuer")


@page(stateless)
def iss_of_another_issuer(made):
    answer_authorization(made, iss="https://as.example.com/")
    refuse_callback(made, "issuer mismatch")


# --- token-request


@page(native)
def redirect_uri_differs(made):
    made["token"].set_form(redirect_uri="http://localhost:33418/callback")
    refused_grant(made, made["token"])
    made.cut_after("token")


@page(native)
def resource_not_as_authorized(made):
    origin = MCP.removesuffix("mcp")
    made["token"].set_form(resource=origin)
    made.claims(aud=origin)
    refuse(made, "initialize")


@page(native)
def right_redemption_refused(made):
    refused_grant(made, made["token"])
    made.cut_after("token")


def turned_away(made):
    answer_json(made["token"], 403, "Forbidden", {"error": "unauthorized_client"})
    at_an_edge(made["token"])
    made.cut_after("token")


@page(native, ok=turned_away)
def token_request_blocked_by_edge(made):
    answer_page(made["token"], 403, "Forbidden", "Just a moment...")
    at_an_edge(made["token"])
    made.cut_after("token")
