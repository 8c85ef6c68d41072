"""The ways between the eras, and what stateless requests carry, for the recordings beside the pages.

The login is left out, as in `rules_lifecycle`.
"""

from incidents import append, page
from rules_lifecycle import (
    answer,
    change,
    error,
    marked,
    meta,
    mirrors,
    params,
    result,
    said,
    session,
    stateless,
    wants_input,
)
from rules_streams import STREAMS, old_transport
from rules_transport import event, stream

MODERN = "2026-07-28"


# --- the transport of 2024-11-05


def newer_client(seed):
    """The old transport under a revision that knows the newer one."""
    made = old_transport(seed)
    made.replace({"2024-11-05": "2025-06-18"})
    return made


def tried_first(made):
    """The client sends its first message to the URL of the server, which knows streams alone."""
    first = made["initialize"].copy()
    first.url = STREAMS
    refusal = {"error": "method_not_allowed", "error_description": "This server speaks HTTP+SSE"}
    answer(first, refusal, 405, "Method Not Allowed")
    made.steps = {"first": first, **made.steps}


@page(newer_client, ok=tried_first)
def old_transport_tried_first(made):
    pass


def on_one_path(seed):
    """The stream announces its own path, where the newer transport may be served as well."""
    made = newer_client(seed)
    made.replace({"/messages?sessionId=": "/sse?sessionId="})
    return made


@page(on_one_path)
def transports_mixed(made):
    made["call"].url = STREAMS
    source = session("other")
    made["call"].answer_like(source["call"])
    answer(made["call"], {**said(source["call"]), "id": made["call"].json["id"]})


# --- stateless clients and servers with sessions, and the other way round


def first_refused(made, code=-32000, text="Bad Request: Server not initialized", status=400, reason="Bad Request"):
    """The first stateless request is refused by a server that knows sessions alone."""
    error(made, "discover", code, text, status, reason)


def opens_a_session(made, **refusal):
    """The client sends `initialize` after what went before."""
    source = session("old")
    last = list(made.steps.values())[-1]
    step = append(made, "initialize", source["initialize"].copy())
    step.set_header("authorization", last.header("authorization"))
    step.gap = 0.4
    if refusal:
        body = {"code": -32020, "message": "Header mismatch: Mcp-Method is missing", **refusal}
        answer(step, {"jsonrpc": "2.0", "id": step.json["id"], "error": body}, 400, "Bad Request")
    return step


def falls_back(made):
    first_refused(made)
    opens_a_session(made)


@page(stateless, ok=falls_back)
def old_server_not_recognized(made):
    again = made["list"].copy()
    first_refused(made)
    step = append(made, "list", again)
    step.answer_like(made["discover"])
    answer(step, {"jsonrpc": "2.0", "id": step.json["id"], "error": said(made["discover"])["error"]}, 400, "Bad Request")


@page(stateless, ok=lambda made: opens_a_session(made, data={"supported": [MODERN]}))
def versions_not_named_to_older_client(made):
    opens_a_session(made, message="Header mismatch: MCP-Protocol-Version is missing")


def listens(made, status, reason):
    """An older client of the same user opens a listening stream."""
    step = append(made, "stream", session("old").listener)
    step.set_header("mcp-session-id", None)
    step.set_header("mcp-protocol-version", None)
    step.set_header("authorization", made["call"].header("authorization"))
    answer(step, {"error": reason}, status, reason)


@page(stateless, ok=lambda made: listens(made, 405, "Method Not Allowed"))
def method_of_older_era_not_405(made):
    listens(made, 404, "Not Found")


def with_event_id(made):
    """The call carries an event id, and is sent again without it."""
    again = made["call"].copy()
    made["call"].set_header("last-event-id", "17")
    append(made, "again", again).gap = 0.5


@page(stateless, ok=with_event_id)
def refused_for_last_event_id(made):
    with_event_id(made)
    body = {"code": -32600, "message": "Streams cannot be resumed"}
    answer(made["call"], {"jsonrpc": "2.0", "id": made["call"].json["id"], "error": body}, 400, "Bad Request")


def tries_the_old_transport(made, status, reason, body=None):
    """The first request is refused, and the client opens a stream."""
    first = list(made.steps)[0]
    made.cut_after(first)
    answer(made[first], body or {"error": reason}, status, reason)
    step = append(made, "stream", session("old").listener)
    for name in ("mcp-session-id", "mcp-protocol-version"):
        step.set_header(name, None)
    step.set_header("authorization", made[first].header("authorization"))
    answer(step, {"error": "Method Not Allowed"}, 405, "Method Not Allowed")


@page(session, ok=lambda made: tries_the_old_transport(made, 405, "Method Not Allowed"))
def old_transport_tried_after_another_status(made):
    tries_the_old_transport(made, 503, "Service Unavailable")


def refused_with(made, code, message):
    body = {"jsonrpc": "2.0", "id": made["discover"].json["id"], "error": {"code": code, "message": message}}
    tries_the_old_transport(made, 400, "Bad Request", body)


@page(stateless, ok=lambda made: refused_with(made, -32015, "No session"))
def modern_error_answered_by_old_transport(made):
    refused_with(made, -32020, "Header mismatch: Mcp-Method is missing")


def asked_to_sign_in(made):
    """The first request carries no token and is challenged."""
    first = made["discover"].copy()
    first.set_header("authorization", None)
    first.answer_like(made.challenge)
    made["discover"].gap = 3
    made.steps = {"first": first, **made.steps}


def comes_with_initialize(made):
    asked_to_sign_in(made)
    made.cut_after("first")
    source = session("old")
    for name in ("initialize", "initialized", "call"):
        append(made, name, source[name].copy()).gap = 3
    params(made["initialize"], clientInfo={"name": "notes-web", "version": "0.9.2"})


@page(stateless, ok=asked_to_sign_in)
def login_refusal_taken_for_older_era(made):
    comes_with_initialize(made)


def of_2025_06_18(seed):
    made = session(seed)
    made.replace({"2025-11-25": "2025-06-18"})
    return made


@page(of_2025_06_18, ok=lambda made: tries_the_old_transport(made, 410, "Gone"))
def old_transport_tried_after_server_error(made):
    tries_the_old_transport(made, 503, "Service Unavailable")


def version_refused(made, status, reason):
    """The server refuses the version of a call, and takes the next with the version agreed on."""
    good = made["call"].copy()
    made["call"].set_header("mcp-protocol-version", "2025-13-01")
    error(made, "call", -32000, "Unsupported protocol version: 2025-13-01", status, reason)
    again = append(made, "again", good)
    change(again, id=7)
    answer(again, {**said(good), "id": 7})


@page(session, ok=lambda made: version_refused(made, 400, "Bad Request"))
def refused_version_not_400(made):
    version_refused(made, 404, "Not Found")


def server_asks(made, name):
    """The server asks on the stream of a request, before it answers."""
    params(made["initialize"], capabilities={"roots": {}})
    made["initialized"].gap = 1
    ask = {"jsonrpc": "2.0", "id": 31, "method": "roots/list"}
    stream(made[name], event(ask), event(said(made[name])))
    reply = append(made, "roots", made["initialized"].copy())
    reply.send_json({"jsonrpc": "2.0", "id": 31, "result": {"roots": []}})


@page(session, ok=lambda made: server_asks(made, "call"))
def server_asks_before_initialized(made):
    server_asks(made, "initialize")


def metadata_missing(made):
    meta(made["call"], clientCapabilities=None)


def metadata_demanded(made):
    metadata_missing(made)
    error(made, "call", -32602, "clientCapabilities is missing in _meta")


@page(stateless, ok=metadata_demanded)
def request_without_metadata_accepted(made):
    metadata_missing(made)


# --- parameters mirrored in headers


def stale_call(made):
    """The call goes without the header that the list marks."""
    mirrors(made)
    made["call"].set_header("mcp-param-tag", None)


def header_missing(made, text="Header mismatch: Mcp-Param-Tag is missing"):
    error(made, "call", -32020, text)


def rightly_demanded(made):
    stale_call(made)
    header_missing(made)


@page(stateless, ok=rightly_demanded)
def header_demanded_without_value(made):
    marked(made, "Tag")
    header_missing(made)


@page(stateless, ok=rightly_demanded)
def param_mismatch_accepted(made):
    mirrors(made)
    made["call"].set_header("mcp-param-tag", "work")


def called_again(made, refreshed):
    """The header is refused; the client looks at the list or not, and calls again."""
    good, fresh = made["call"].copy(), made["list"].copy()
    marked(made, "Tag")
    params(made["call"], arguments={"tag": "home"})
    header_missing(made)
    if refreshed:
        append(made, "list_again", fresh).answer_like(made["list"])
        change(made["list_again"], id=8)
        answer(made["list_again"], {**said(made["list"]), "id": 8})
        again = append(made, "again", good)
        params(again, arguments={"tag": "home"})
        again.set_header("mcp-param-tag", "home")
    else:
        again = append(made, "again", made["call"].copy())
    change(again, id=9)
    answer(again, {**said(again), "id": 9}, again.status, "OK" if refreshed else "Bad Request")


@page(stateless, ok=lambda made: called_again(made, refreshed=True))
def tool_list_not_refreshed(made):
    called_again(made, refreshed=False)


# --- `_meta` and extensions

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def in_meta(made, side, **keys):
    """Adds keys to `_meta` of the call or of its answer."""
    keys = {name.replace("__", "/").replace("_DOT_", "."): value for name, value in keys.items()}
    if side == "request":
        params(made["call"], _meta={**made["call"].json["params"]["_meta"], **keys})
    else:
        result(made["call"], _meta={**said(made["call"])["result"]["_meta"], **keys})


@page(stateless, ok=lambda made: in_meta(made, "request", com_DOT_example__tenant="4711"))
def meta_key_malformed(made):
    in_meta(made, "request", com_DOT_example__tenant__id="4711")


@page(stateless, ok=lambda made: in_meta(made, "response", com_DOT_example__tenant="4711"))
def meta_key_of_server_malformed(made):
    in_meta(made, "response", com_DOT_example__tenant__id="4711")


@page(stateless, ok=lambda made: in_meta(made, "request", traceparent=TRACE, tracestate="notes=1"))
def trace_context_malformed(made):
    in_meta(made, "request", traceparent=TRACE.upper())


@page(stateless, ok=lambda made: in_meta(made, "response", traceparent=TRACE))
def trace_context_of_server_malformed(made):
    in_meta(made, "response", traceparent=TRACE.removesuffix("-01"))


def server_declares(made, name):
    capabilities = said(made["discover"])["result"]["capabilities"]
    result(made["discover"], capabilities={**capabilities, "extensions": {name: {}}})


@page(stateless, ok=lambda made: server_declares(made, "io.modelcontextprotocol/tasks"))
def extension_without_prefix(made):
    server_declares(made, "tasks")


def client_declares(made, name):
    meta(made["call"], clientCapabilities={"extensions": {name: {}}})


@page(stateless, ok=lambda made: client_declares(made, "io.modelcontextprotocol/ui"))
def extension_of_client_without_prefix(made):
    client_declares(made, "ui")


# --- input that an answer asks for


def brings_input(made, given, returned, id=7):
    """The call is answered with a question and a state, and repeated with the answer."""
    good = made["call"].copy()
    wants_input(made)
    result(made["call"], requestState=given)
    again = append(made, "again", good)
    again.gap = 6
    meta(again, clientCapabilities={"elicitation": {}})
    params(again, inputResponses={"delete": {"action": "accept", "content": {}}}, requestState=returned)
    change(again, id=id)
    answer(again, {**said(again), "id": id})


STATE = "bm90ZXM6ZGVsZXRlOjQ3MTE.7c1u0Pq3vX"


@page(stateless, ok=lambda made: brings_input(made, STATE, STATE))
def request_state_changed(made):
    brings_input(made, STATE, STATE.removesuffix(".7c1u0Pq3vX"))


@page(stateless, ok=lambda made: brings_input(made, None, None))
def request_state_unasked(made):
    brings_input(made, None, STATE)


@page(stateless, ok=lambda made: brings_input(made, STATE, STATE))
def retry_with_the_same_id(made):
    brings_input(made, STATE, STATE, id=made["call"].json["id"])


# --- what a server refuses


def origin_refused(made, status, reason):
    made["call"].set_header("origin", "https://notes.example.org")
    body = {"code": -32000, "message": "Invalid Origin: https://notes.example.org"}
    answer(made["call"], {"jsonrpc": "2.0", "id": None, "error": body}, status, reason)
    made.cut_after("call")


@page(session, ok=lambda made: origin_refused(made, 403, "Forbidden"))
def invalid_origin_not_403(made):
    origin_refused(made, 400, "Bad Request")


@page(stateless)
def discover_not_implemented(made):
    body = {"code": -32601, "message": "Method not found"}
    answer(made["discover"], {"jsonrpc": "2.0", "id": made["discover"].json["id"], "error": body}, 404, "Not Found")
