"""Sessions, versions, request metadata and eras, for the recordings beside the pages.

The login is left out: a session is `initialize`, `notifications/initialized`, a list and a call, under the token that
it began with.
"""

import json

import traffic
from faults_mcp import wrong_version
from incidents import HOSTS, append, page, say_invalid


# --- incidents


def session(seed):
    made = traffic.native(seed, HOSTS)
    made.challenge = made["challenge"].copy()
    made.listener = made["stream"].copy()
    made.end = made["end"].copy()
    kept = ("initialize", "initialized", "list", "call")
    made.drop(*[name for name in made.steps if name not in kept])
    traffic.without_library_headers([*made.steps.values(), made.listener, made.end])
    return made


def of_2025_03_26(seed):
    return traffic.as_of_2025_03_26(session(seed))


def stateless(seed):
    """Stateless requests, as the labelled recording of a page has them, sent by the native client."""
    made = session(seed)
    source = traffic.stateless(seed, HOSTS)
    for name in ("initialize", "list", "call"):
        step = made[name]
        step.send(source[name].entry["request"]["postData"]["text"])
        step.set_header("mcp-session-id", None)
        for header in ("mcp-method", "mcp-name", "mcp-protocol-version"):
            step.set_header(header, source[name].header(header))
        answer(step, source[name].answer)
    made.steps = {"discover": made["initialize"], "list": made["list"], "call": made["call"]}
    return made


# --- what can be done to a step


def answer(step, message, status=200, reason="OK"):
    step.set_status(status, reason)
    for name in ("x-accel-buffering", "cache-control", "mcp-session-id", "www-authenticate"):
        step.set_header(name, None, "response")
    step.set_header("content-type", "application/json", "response")
    step.entry["response"]["content"]["mimeType"] = "application/json"
    step.respond_json(message)


def said(step):
    """The message in the answer of a step."""
    text = step.entry["response"]["content"]["text"]
    return json.loads(text.split("data: ")[-1]) if "data: " in text else json.loads(text)


def change(step, **members):
    """Changes members of the request; None removes one."""
    message = {**step.json, **members}
    step.send_json({name: value for name, value in message.items() if value is not None})


def params(step, **members):
    message = {**step.json.get("params", {}), **members}
    change(step, params={name: value for name, value in message.items() if value is not None})


def meta(step, **changes):
    """Changes keys of the protocol in `_meta` of the request; None removes one."""
    known = {**step.json["params"]["_meta"]}
    for name, value in changes.items():
        known["io.modelcontextprotocol/" + name] = value
    params(step, _meta={name: value for name, value in known.items() if value is not None})


def result(step, **members):
    """Changes members of the result; None removes one."""
    message = said(step)
    changed = {**message["result"], **members}
    message["result"] = {name: value for name, value in changed.items() if value is not None}
    if step.header("content-type", "response") == "text/event-stream":
        step.respond("event: message\ndata: " + json.dumps(message, separators=(",", ":")) + "\n\n")
    else:
        step.respond_json(message)


def error(made, name, code, text, status=400, reason="Bad Request", data=None):
    """The step is refused, and nothing comes after it."""
    body = {"code": code, "message": text} | ({"data": data} if data is not None else {})
    answer(made[name], {"jsonrpc": "2.0", "id": made[name].json.get("id"), "error": body}, status, reason)
    made.cut_after(name)


def refused(made, name, text="Bad Request: Server not initialized", status=400, reason="Bad Request"):
    error(made, name, -32000, text, status, reason)
    again = append(made, "again_" + name, made[name].copy())
    again.gap = 1.1


def without_session_ids(made):
    for step in made.steps.values():
        step.set_header("mcp-session-id", None)
        step.set_header("mcp-session-id", None, "response")


# --- initialize


def keeps_its_session(made):
    made.cut_after("call")


@page(session, ok=keeps_its_session)
def initialize_incomplete(made):
    params(made["initialize"], clientInfo=None)
    refused(made, "initialize", "Invalid request: clientInfo")


def early_call(made):
    """A call without session that is refused."""
    early = made["call"].copy()
    early.set_header("mcp-session-id", None)
    message = {"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": "Server not initialized"}}
    answer(early, message, 400, "Bad Request")
    return early


def called_without_its_session(made):
    made.insert("early", early_call(made), after="initialize")
    made.cut_after("initialized")


@page(session, ok=called_without_its_session)
def initialize_not_first(made):
    made.steps = {"early": early_call(made), **made.steps}
    made["initialize"].gap = 1.4
    made.cut_after("initialized")


@page(session, ok=keeps_its_session)
def initialize_answer_incomplete(made):
    result(made["initialize"], serverInfo=None)
    made.cut_after("initialize")


@page(session, ok=keeps_its_session)
def initialized_not_sent(made):
    made.drop("initialized")
    refused(made, "list")


def answered_in_json(made):
    without_session_ids(made)
    answer(made["initialize"], said(made["initialize"]))


@page(session, ok=answered_in_json)
def request_before_initialize_answer(made):
    answer_id = made.session_id()
    answer(made["initialize"], said(made["initialize"]))
    made["initialize"].set_header("mcp-session-id", answer_id, "response")
    made["initialize"].entry["time"] = 900
    made.steps = {name: made[name] for name in ("initialize", "call", "initialized")}
    made["call"].set_header("mcp-session-id", None)
    made["call"].set_header("mcp-protocol-version", None)
    made["call"].entry["time"] = 20
    made["initialized"].gap = 1.1
    message = {"jsonrpc": "2.0", "id": 2, "error": {"code": -32000, "message": "Server not initialized"}}
    answer(made["call"], message, 400, "Bad Request")


@page(of_2025_03_26, ok=keeps_its_session)
def initialize_in_a_batch(made):
    refused(made, "initialize", "Invalid Request: initialize cannot be part of a batch")
    for step in made.steps.values():
        step.send_json([step.json])


def cancels(made, request):
    made.drop("list")
    message = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": request}}
    step = append(made, "cancelled", made["initialized"].copy())
    step.send_json(message)


@page(session, ok=lambda made: cancels(made, 2))
def initialize_cancelled(made):
    cancels(made, 0)


@page(session, ok=keeps_its_session)
def capability_not_declared_by_server(made):
    change(made["call"], method="prompts/get", params={"name": "weekly"})
    answer(made["call"], {"jsonrpc": "2.0", "id": 2, "error": {"code": -32601, "message": "Method not found"}})


def asks_the_client(made):
    step = made["call"]
    question = {"message": "Delete it?", "requestedSchema": {"type": "object", "properties": {}}}
    asked = {"jsonrpc": "2.0", "id": 7, "method": "elicitation/create", "params": question}
    text = step.entry["response"]["content"]["text"]
    step.respond("event: message\ndata: " + json.dumps(asked, separators=(",", ":")) + "\n\n" + text)


def asks_one_that_knows(made):
    params(made["initialize"], capabilities={"elicitation": {}})
    asks_the_client(made)


@page(session, ok=asks_one_that_knows)
def capability_not_declared_by_client(made):
    asks_the_client(made)


# --- session


def listens(made):
    made.drop("list", "call")
    append(made, "stream", made.listener)


@page(session, ok=listens)
def version_header_absent_from_stream(made):
    listens(made)
    made["stream"].set_header("mcp-protocol-version", None)
    wrong_version(made["stream"])
    again = append(made, "again", made["stream"].copy())
    again.gap = 1.2


@page(session, ok=keeps_its_session)
def session_id_with_unfit_characters(made):
    made["initialize"].set_header("mcp-session-id", "notes 17\u00e9", "response")
    made["initialized"].set_header("mcp-session-id", "notes 17")
    refused(made, "initialized", "Bad Request: No valid session ID provided")


def forgets_its_session(made, status, reason):
    made["list"].set_header("mcp-session-id", None)
    refused(made, "list", "Bad Request: Mcp-Session-Id header is required", status, reason)


@page(session, ok=lambda made: forgets_its_session(made, 400, "Bad Request"))
def missing_session_id_answered_otherwise(made):
    forgets_its_session(made, 404, "Not Found")


def ends_its_session(made, status, reason):
    late = made["call"].copy()
    made.cut_after("initialized")
    append(made, "end", made.end)
    append(made, "late", late)
    message = {"jsonrpc": "2.0", "id": None, "error": {"code": -32001, "message": "Session not found"}}
    answer(late, message, status, reason)


@page(session, ok=lambda made: ends_its_session(made, 404, "Not Found"))
def ended_session_answered_otherwise(made):
    ends_its_session(made, 400, "Bad Request")


def session_is_over(made):
    made.drop("list")
    message = {"jsonrpc": "2.0", "id": None, "error": {"code": -32001, "message": "Session not found"}}
    answer(made["call"], message, 404, "Not Found")
    again = append(made, "initialize_again", made["initialize"].copy())
    again.set_header("mcp-session-id", made.uuid(), "response")
    return again


@page(session, ok=session_is_over)
def initialize_with_ended_session(made):
    old = made.session_id()
    again = session_is_over(made)
    again.answer_like(made["call"])
    again.set_header("mcp-session-id", old)


# --- metadata of requests


@page(stateless)
def version_header_absent_from_post(made):
    made["call"].set_header("mcp-protocol-version", None)
    error(made, "call", -32020, "MCP-Protocol-Version header is missing")


@page(stateless)
def version_header_differs_from_body(made):
    made["call"].set_header("mcp-protocol-version", "2025-11-25")
    error(made, "call", -32020, "MCP-Protocol-Version header does not match the body")


def version_differs(made):
    made["call"].set_header("mcp-protocol-version", "2025-11-25")


def method_differs(made):
    made["call"].set_header("mcp-method", "tools/list")


def name_differs(made):
    made["call"].set_header("mcp-name", "delete_note")


def and_is_refused(made):
    error(made, "call", -32020, "Headers do not match the body")


@page(stateless, ok=lambda made: (version_differs(made), and_is_refused(made)))
def version_mismatch_accepted(made):
    version_differs(made)


@page(stateless, ok=lambda made: (method_differs(made), and_is_refused(made)))
def method_mismatch_accepted(made):
    method_differs(made)


@page(stateless, ok=lambda made: (name_differs(made), and_is_refused(made)))
def name_mismatch_accepted(made):
    name_differs(made)


@page(stateless)
def name_header_differs(made):
    made["call"].set_header("mcp-name", None)
    error(made, "call", -32020, "Mcp-Name header is missing")


@page(stateless)
def mirrored_header_not_encoded(made):
    params(made["call"], name="notizen_l\u00f6schen")
    made["call"].set_header("mcp-name", "notizen_l\u00f6schen")
    error(made, "call", -32020, "Mcp-Name header is malformed")


@page(stateless)
def request_metadata_absent(made):
    meta(made["call"], clientCapabilities=None)
    error(made, "call", -32602, "clientCapabilities is missing in _meta")


def headers_refused(made, status, reason):
    method_differs(made)
    error(made, "call", -32020, "Mcp-Method header does not match the body", status, reason)


@page(stateless, ok=lambda made: headers_refused(made, 400, "Bad Request"))
def modern_error_with_another_status(made):
    headers_refused(made, 403, "Forbidden")


def version_refused(made, supported, again):
    """The server refuses the version, and the client comes with another one."""
    made["call"].set_header("mcp-protocol-version", "2026-11-30")
    meta(made["call"], protocolVersion="2026-11-30")
    good = made["list"].copy()
    data = {"requested": "2026-11-30"} | ({"supported": supported} if supported else {})
    error(made, "call", -32022, "Unsupported protocol version", data=data)
    next_step = append(made, "again", made["call"].copy() if again else good)
    next_step.gap = 0.8


@page(stateless, ok=lambda made: version_refused(made, ["2026-07-28"], again=False))
def version_error_names_no_versions(made):
    version_refused(made, None, again=True)


@page(stateless, ok=lambda made: version_refused(made, ["2026-07-28"], again=False))
def refused_version_named_as_supported(made):
    version_refused(made, ["2026-07-28", "2026-11-30"], again=True)


@page(stateless, ok=lambda made: version_refused(made, ["2026-07-28"], again=False))
def version_sent_again(made):
    version_refused(made, ["2026-07-28"], again=True)


def repaired(made):
    good = made["call"].copy()
    headers_refused(made, 400, "Bad Request")
    append(made, "again", good).gap = 0.8


@page(stateless, ok=repaired)
def modern_error_answered_by_initialize(made):
    headers_refused(made, 400, "Bad Request")
    source = session("old")
    old = append(made, "initialize", source["initialize"].copy())
    old.set_header("authorization", made["call"].header("authorization"))
    old.gap = 0.4
    error(made, "initialize", -32602, "_meta is missing")


@page(stateless)
def era_probed_again(made):
    made.drop("list")
    for again in ("again", "and_again"):
        append(made, again, made["discover"].copy()).gap = 5


@page(stateless)
def session_id_given_to_stateless_request(made):
    made["call"].set_header("mcp-session-id", made.uuid(), "response")


def marked(made, name):
    """A parameter of the tool is mirrored in a header."""
    tools = said(made["list"])["result"]["tools"]
    tools[0]["inputSchema"]["properties"]["tag"]["x-mcp-header"] = name
    result(made["list"], tools=tools)


def mirrors(made):
    marked(made, "Tag")
    params(made["call"], arguments={"tag": "home"})
    made["call"].set_header("mcp-param-tag", "home")


@page(stateless, ok=mirrors)
def param_headers_differ(made):
    mirrors(made)
    made["call"].set_header("mcp-param-tag", None)
    error(made, "call", -32020, "Mcp-Param-Tag header is missing")


@page(stateless, ok=lambda made: marked(made, "Tag"))
def param_header_without_value(made):
    marked(made, "Tag")
    made["call"].set_header("mcp-param-tag", "home")
    error(made, "call", -32020, "Mcp-Param-Tag header does not match the body")


@page(stateless, ok=lambda made: marked(made, "Tag"))
def param_annotation_unusable(made):
    marked(made, "Note tag")


@page(stateless)
def result_without_type(made):
    result(made["call"], resultType=None)


def wants_input(made, name="call", declared=True, requests=True):
    if declared:
        meta(made[name], clientCapabilities={"elicitation": {}})
    question = {"message": "Delete it?", "requestedSchema": {"type": "object", "properties": {}}}
    asked = {"delete": {"method": "elicitation/create", "params": question}}
    made.cut_after(name)
    result(made[name], content=None, tools=None, resultType="input_required", inputRequests=asked if requests else None)


@page(stateless, ok=wants_input)
def input_asked_on_another_method(made):
    wants_input(made, "list")


@page(stateless, ok=wants_input)
def input_required_without_content(made):
    wants_input(made, requests=False)


@page(stateless, ok=wants_input)
def input_asked_without_capability(made):
    wants_input(made, declared=False)


def logs(made):
    step = made["call"]
    line = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "listing"}}
    events = [line, said(step)]
    step.set_header("content-type", "text/event-stream", "response")
    step.entry["response"]["content"]["mimeType"] = "text/event-stream"
    step.respond("".join("data: " + json.dumps(event, separators=(",", ":")) + "\n\n" for event in events))


def logs_on_demand(made):
    meta(made["call"], logLevel="info")
    logs(made)


@page(stateless, ok=logs_on_demand)
def log_message_unasked(made):
    logs(made)


# --- the old transport


def tries_the_old_transport(made, with_token=True):
    made.cut_after("initialize")
    made["initialize"].answer_like(made.challenge)
    if with_token:
        say_invalid(made["initialize"])
    step = append(made, "stream", made.listener)
    for name in ("mcp-session-id", "mcp-protocol-version"):
        step.set_header(name, None)
    if not with_token:
        for one in made.steps.values():
            one.set_header("authorization", None)
    step.answer_like(made["initialize"])


def old_server(made):
    tries_the_old_transport(made)
    message = {"error": "method_not_allowed", "error_description": "This server speaks HTTP+SSE"}
    answer(made["initialize"], message, 405, "Method Not Allowed")


@page(session, ok=old_server)
def old_transport_tried_after_refusal(made):
    tries_the_old_transport(made)


def of_2025_06_18(seed):
    made = session(seed)
    made.replace({"2025-11-25": "2025-06-18"})
    return made


@page(of_2025_06_18, ok=old_server)
def login_refusal_taken_for_old_server(made):
    tries_the_old_transport(made, with_token=False)
