"""Introspection, revocation and what an authorization server forgot, for the recordings beside the rule pages."""

import base64
import json

import traffic
from faults_discovery import error_page, registers
from faults_mcp import answer_json
from incidents import (
    append,
    document,
    expires,
    native,
    page,
    refuse,
    refused_grant,
    retry,
    say_invalid,
)

AS = "https://as.example.com"
INTROSPECTION = AS + "/token/introspection"
REVOCATION = AS + "/token/revocation"


def opaque(made):
    """Tokens that only the authorization server can read; it says where to ask about them."""
    made.replace({made.token: made.text()})
    document(made, "as_metadata", introspection_endpoint=INTROSPECTION, revocation_endpoint=REVOCATION)


def introspects(made, name, url=INTROSPECTION, **says):
    """Before it answers this request, the MCP server asks about the token of it."""
    asking = made[name]
    asking.entry |= {"time": 60, "timings": {"send": 0, "wait": 60, "receive": 0}}
    step = made.insert(name + "_introspection", made["token"].copy(), after=name)
    step.entry |= {"time": 20, "timings": {"send": 0, "wait": 20, "receive": 0}}
    step.gap = 0.005
    step.url = url
    token = asking.header("authorization").removeprefix("Bearer ")
    step.send("token=" + token)
    if "params" in step.entry["request"]["postData"]:
        step.entry["request"]["postData"]["params"] = [{"name": "token", "value": token}]
    step.set_header("authorization", "Basic " + base64.b64encode(b"notes:notes-server-secret").decode())
    step.set_header("user-agent", "notes-server")
    step.respond_json(says)
    return step


def of_this_server(**says):
    return {"active": True, "client_id": "desk", "aud": "https://mcp.example.com/mcp", "token_type": "Bearer", **says}


def refused_after(made, **says):
    """The server asks about the token of the first request, and refuses it."""
    opaque(made)
    refuse(made, "initialize")
    return introspects(made, "initialize", **says)


def again(made):
    retry(made, "initialize")


def expired(made):
    """The token expires and is renewed; nobody but the authorization server can read the old one or the new one."""
    expires(made)
    made.replace({made["refresh"].answer["access_token"]: made.text()})
    opaque(made)


def expired_and_asked(made):
    """The token expires; the server asks about it, and the client renews it."""
    expired(made)
    introspects(made, "expired_call", active=False)


@page(native, ok=expired_and_asked)
def introspection_refused(made):
    says = {"error": "invalid_client", "error_description": "client authentication failed"}
    answer_json(refused_after(made), 401, "Unauthorized", says)
    again(made)


@page(native, ok=expired_and_asked)
def introspected_at_another_server(made):
    of_tenant(made, "notes")
    refused_after(made, url=AS + "/realms/drafts/token/introspection", active=False)
    document(made, "as_metadata", introspection_endpoint=AS + "/realms/notes/token/introspection")
    again(made)


def of_tenant(made, tenant):
    """The authorization server serves several tenants, each under a path."""
    issuer = f"{AS}/realms/{tenant}"
    for step in made.steps.values():
        step.entry = traffic._replaced(step.entry, [(AS, issuer), (AS.replace(":", "%3A").replace("/", "%2F"), issuer.replace(":", "%3A").replace("/", "%2F"))])
    place = made["as_metadata"]
    place.url = f"{AS}/.well-known/oauth-authorization-server/realms/{tenant}"


@page(native, ok=lambda made: refused_after(made, **of_this_server()))
def issued_token_called_inactive(made):
    refused_after(made, active=False)
    again(made)


@page(native, ok=lambda made: refused_after(made, **of_this_server()))
def introspected_audience_differs(made):
    refused_after(made, **of_this_server(aud="account"))
    again(made)


def asked_and_called_missing(made):
    """The server hears that the token is good, and says that none came."""
    refused_after(made, **of_this_server())
    made["initialize"].answer_like(made["challenge"])


@page(native, ok=asked_and_called_missing)
def active_token_refused(made):
    refused_after(made, **of_this_server())
    again(made)


def revoked(made, token, hint):
    step = append(made, "revocation", made["token"].copy())
    step.url = REVOCATION
    step.gap = 30
    step.send(f"token={token}&token_type_hint={hint}&client_id={made['token'].form['client_id']}")
    if "params" in step.entry["request"]["postData"]:
        step.entry["request"]["postData"]["params"] = []
    step.respond("")
    return step


def revoked_and_sent(made):
    """The token is revoked, and sent once more to a server that does not ask about tokens."""
    opaque(made)
    revoked(made, made.token, "access_token")
    retry(made, "call")


@page(native, ok=revoked_and_sent)
def revoked_token_presented(made):
    revoked_and_sent(made)
    late = made[list(made.steps)[-1]]
    late.answer_like(made["challenge"])
    say_invalid(late)


def renews(made):
    """The client renews a token that is hardly used."""
    expired(made)
    made["expired_call"].gap = 300


def revoked_and_renewed(made):
    """The access token is revoked when it is of no use any more; the refresh token lives on (RFC 7009, 2.1)."""
    renews(made)
    step = revoked(made, made.token, "access_token")
    step.gap = None
    made.drop("revocation")
    made.insert("revocation", step, after="expired_call")


def refuse_refresh(made):
    refused_grant(made, made["refresh"])
    made["repeated_call"].entry = made["expired_call"].copy().entry


@page(native, ok=revoked_and_renewed)
def revoked_grant_refreshed(made):
    revoked_and_renewed(made)
    refused_grant(made, made["refresh"])
    made.cut_after("refresh")
    retry(made)


@page(native, ok=renews)
def fresh_refresh_token_refused(made):
    renews(made)
    refuse_refresh(made)


def registers_with_another_tenant(made):
    """The client registers with one tenant, and goes to another one, which takes the id."""
    of_tenant(made, "notes")
    document(made, "as_metadata", registration_endpoint=AS + "/realms/notes/register")
    made["registration"].url = AS + "/realms/drafts/register"


@page(registers, ok=registers_with_another_tenant)
def client_id_issued_elsewhere(made):
    registers_with_another_tenant(made)
    error_page(made, "invalid_client")


@page(registers, ok=lambda made: error_page(made, "invalid_scope"))
def registered_client_unknown(made):
    error_page(made, "invalid_client")


@page(registers)
def registered_client_unknown_at_token_endpoint(made):
    says = {"error": "invalid_client", "error_description": "client authentication failed"}
    answer_json(made["token"], 401, "Unauthorized", says)
    made.cut_after("token")
    retry(made)


def says_the_same(made):
    """A server with one refusal for all: missing or invalid."""
    value = made["challenge"].header("www-authenticate", "response")
    for name in [name for name, step in made.steps.items() if step.status == 401]:
        step = made[name]
        step.set_header("www-authenticate", value.replace("Missing Authorization header", "Missing or invalid token"), "response")
        step.respond_json({"error": "Unauthorized"})


def refused_with_a_reason(made):
    refuse(made, "initialize")


@page(native, ok=refused_with_a_reason)
def refused_as_without_token(made):
    refuse(made, "initialize")
    again(made)
    says_the_same(made)
