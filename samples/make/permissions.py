#!/usr/bin/env python3
"""Makes the recordings that use a permission of the specification: `rules/ledger/<ENTRY>.har`.

    samples/make/permissions.py [ENTRY...]

Nobody in them does anything wrong. `tests/it/ledger.rs` holds that no page says otherwise.
"""

import sys
from pathlib import Path

import rule_recordings  # noqa: F401, the registry of pages, which the others fill
import rules_transport
from incidents import answer_authorization, append, document, native, refuse
from rules_extensions import machine
from rules_lifecycle import answer, change, said, session, stateless
from rules_streams import old_transport
from rules_transport import stream, with_listener

LEDGER = Path(__file__).resolve().parents[2] / "rules/ledger"
USES = {}


def uses(entry, build):
    """Registers a permission: `build(seed)` is the incident, the function puts the use in."""

    def register(use):
        USES[entry] = (build, use)
        return use

    return register


def credentials(made, value):
    for step in made.steps.values():
        step.set_header("authorization", value)


def ask_for(step, scope):
    """The challenge names a scope."""
    challenge = step.header("www-authenticate", "response")
    step.set_header("www-authenticate", f'{challenge}, scope="{scope}"', "response")


# --- without the framework, or beside it


@uses("AUTH-COMPAT-01", old_transport)
def no_authorization_defined(made):
    credentials(made, None)
    for step in made.steps.values():
        step.set_header("x-api-key", "notes-" + made.text(24))


@uses("AUTH-COMPAT-02", session)
def scheme_of_their_own(made):
    credentials(made, "ApiKey notes-" + made.text(24))


@uses("AUTH-COMPAT-03", session)
def no_authorization(made):
    credentials(made, None)


# --- scopes, and what the client may leave out


@uses("AUTH-REFRESH-04", native)
def asks_for_offline_access(made):
    made["authorization"].set_query(scope="mcp:tools offline_access")
    made["token"].respond_json({**made["token"].answer, "scope": "mcp:tools offline_access"})
    made.claims(scope="mcp:tools offline_access")


@uses("AUTH-SCOPE-02", native)
def challenge_names_another_scope(made):
    ask_for(made["challenge"], "mcp:admin")
    made["authorization"].set_query(scope="mcp:admin")
    made["token"].respond_json({**made["token"].answer, "scope": "mcp:admin"})
    made.claims(scope="mcp:admin")


@uses("AUTH-SCOPE-11", native)
def granted_less(made):
    document(made, "resource_metadata", scopes_supported=["mcp:tools", "mcp:admin"])
    ask_for(made["challenge"], "mcp:tools mcp:admin")
    made["authorization"].set_query(scope="mcp:tools mcp:admin")


@uses("AUTH-TOK-04", native)
def redirect_uri_left_out(made):
    made["token"].set_form(redirect_uri=None)


# --- authorization servers


@uses("AUTH-SEC-07", native)
def sent_on_to_another_server(made):
    """The authorization server has the user sign in at a third one, and answers when that has answered it."""
    answered, inner = made["authorization"].copy(), made.text(24)
    back = "https://as.example.com/idp/callback"
    made["authorization"].redirect_to(
        "https://login.example.net/authorize?response_type=code&client_id=as-example"
        f"&redirect_uri=https%3A%2F%2Fas.example.com%2Fidp%2Fcallback&scope=openid&state={inner}")
    made["authorization"].respond("")
    login = made.insert("login", answered.copy(), after="authorization")
    login.url = made["authorization"].header("location", "response")
    login.redirect_to(f"{back}?code={made.text()}&state={inner}")
    login.respond("")
    login.gap = 5
    returned = made.insert("returned", answered, after="login")
    returned.url = login.header("location", "response")


@uses("AUTH-SEC-15", native)
def refused_by_policy(made):
    document(made, "as_metadata", client_id_metadata_document_supported=True)
    url = "https://notes-desk.example.net/client.json"
    made.replace({made["authorization"].query["client_id"]: url})
    answer_authorization(made, code=None, error="access_denied", error_description="This client is not allowed here")
    made.cut_after("callback")


@uses("AUTH-REG-18", lambda seed: rules_transport.traffic.native(seed, rules_transport.HOSTS))
def registers_where_documents_are_not_supported(made):
    made.drop("stream", "end")


@uses("AUTH-STEP-08", machine)
def machine_stops(made):
    refuse(made, "initialize")
    step = made["initialize"]
    step.set_status(403, "Forbidden")
    challenge = step.header("www-authenticate", "response").replace("invalid_token", "insufficient_scope")
    step.set_header("www-authenticate", challenge.replace("Invalid access token", "More is needed"), "response")
    ask_for(step, "mcp:tools mcp:admin")
    step.respond_json({"error": "insufficient_scope", "error_description": "More is needed"})


# --- sessions, streams, eras


@uses("SESS-DELETE-02", session)
def delete_refused(made):
    step = append(made, "delete", made["call"].copy())
    step.entry["request"]["method"] = "DELETE"
    step.entry["request"].pop("postData")
    step.set_header("content-type", None)
    step.set_header("content-length", None)
    answer(step, {"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": "Method not allowed"}}, 405,
           "Method Not Allowed")


@uses("SSE-EXPIRE-01", with_listener)
def stream_ends_with_the_session(made):
    asked = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 0, "progress": 1}}
    stream(made["call"], rules_transport.event(asked))
    made["call"].entry["time"] = 900_000
    gone = append(made, "gone", made["call"].copy())
    gone.gap = 901
    change(gone, id=3)
    answer(gone, {"jsonrpc": "2.0", "id": None, "error": {"code": -32001, "message": "Session not found"}}, 404, "Not Found")
    again = append(made, "again", made["initialize"].copy())
    change(again, id=4)
    answer(again, {**said(made["initialize"]), "id": 4})
    again.set_header("mcp-session-id", made.uuid(), "response")
    again.set_header("mcp-session-id", None)


@uses("COMPAT-ERA-05", stateless)
def serves_both_eras(made):
    supported = rules_transport.answer_of(made["discover"])
    supported["result"]["supportedVersions"] = ["2026-07-28", "2025-11-25"]
    answer(made["discover"], supported)
    older = session("older")
    for name in ("initialize", "initialized", "call"):
        step = append(made, "older_" + name, older[name].copy())
        step.set_header("authorization", made["call"].header("authorization"))


@uses("VER-DISCOVER-02", stateless)
def calls_without_asking(made):
    made.drop("discover")


def main(wanted):
    for entry, (build, use) in USES.items():
        if not wanted or entry in wanted:
            made = build(entry)
            use(made)
            made.write(LEDGER / f"{entry}.har")


if __name__ == "__main__":
    main(sys.argv[1:])
