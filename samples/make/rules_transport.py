"""Faults of framing, for the recordings beside the pages of `rules/transport`.

The login is left out: a session is `initialize`, `notifications/initialized` and a call, under the token that it began
with.
"""

import json

import traffic
from incidents import append, page

HOSTS = {
    "http://mcp.acme.test:8080": "https://mcp.example.com",
    "http://auth.acme.test:9000": "https://as.example.com",
    "mcp.acme.test:8080": "mcp.example.com",
    "auth.acme.test:9000": "as.example.com",
    "mcp.acme.test": "mcp.example.com",
}


# --- incidents


def with_listener(seed):
    """A session with a listening stream that carried nothing."""
    made = traffic.native(seed, HOSTS)
    kept = ("initialize", "initialized", "stream", "call")
    made.drop(*[name for name in made.steps if name not in kept])
    traffic.without_library_headers(made.steps.values())
    return made


def session(seed):
    made = with_listener(seed)
    made.drop("stream")
    return made


def of_2025_03_26(seed):
    """A session of the revision with batches and without the version header."""
    return traffic.as_of_2025_03_26(session(seed))


def of_2025_06_18(seed):
    made = session(seed)
    made.replace({"2025-11-25": "2025-06-18"})
    return made


def stateless(seed):
    """Two stateless requests, as the labelled recording of a page has them, sent by the native client."""
    made = session(seed)
    source = traffic.stateless(seed, HOSTS)
    made.drop("initialized")
    for name, step in (("initialize", made["initialize"]), ("call", made["call"])):
        step.send(source[name].entry["request"]["postData"]["text"])
        step.set_header("mcp-session-id", None)
        step.set_header("mcp-session-id", None, "response")
        for header in ("mcp-method", "mcp-name", "mcp-protocol-version"):
            step.set_header(header, source[name].header(header))
        answer_json(step, source[name].answer)
    made.steps = {"discover": made["initialize"], "call": made["call"]}
    return made


# --- what messages and answers are made of


def event(message, name="message", id=None, retry=None):
    """One event; None is no data."""
    lines = [f"id: {id}"] if id else []
    lines += [f"retry: {retry}"] if retry is not None else []
    lines += [f"event: {name}"] if name and message is not None else []
    lines.append("data: " + (json.dumps(message, separators=(",", ":")) if message is not None else ""))
    return "\n".join(lines) + "\n\n"


def stream(step, *events):
    """The answer is a stream of these events."""
    step.set_status(200, "OK")
    step.set_header("content-type", "text/event-stream", "response")
    step.set_header("x-accel-buffering", "no", "response")
    step.entry["response"]["content"]["mimeType"] = "text/event-stream"
    step.respond("".join(events))


def answer_of(step):
    """The message in the answer of a step."""
    text = step.entry["response"]["content"]["text"]
    return json.loads(text.split("data: ")[-1]) if "data: " in text else json.loads(text)


def answer_json(step, message, status=200, reason="OK"):
    step.set_status(status, reason)
    for name in ("x-accel-buffering", "cache-control"):
        step.set_header(name, None, "response")
    step.set_header("content-type", "application/json", "response")
    step.entry["response"]["content"]["mimeType"] = "application/json"
    step.respond_json(message)


def answer_as(step, media_type, text):
    answer_json(step, {})
    step.set_header("content-type", media_type, "response")
    step.entry["response"]["content"]["mimeType"] = media_type
    step.respond(text)


def empty(step, status, reason):
    step.set_status(status, reason)
    for name in ("content-type", "content-length", "x-accel-buffering", "cache-control"):
        step.set_header(name, None, "response")
    step.entry["response"]["content"]["mimeType"] = ""
    step.respond("")


def change(step, **members):
    """Changes members of the request; None removes one."""
    message = {**step.json, **members}
    step.send_json({name: value for name, value in message.items() if value is not None})


def change_answer(step, **members):
    """Changes members of the answer, which is then a JSON body."""
    message = {**answer_of(step), **members}
    answer_json(step, {name: value for name, value in message.items() if value is not None})


def refused(step, code, text, status=200, reason="OK", **members):
    answer_json(step, {"jsonrpc": "2.0", "id": step.json["id"], "error": {"code": code, "message": text}, **members},
                status, reason)


def again(made, name="call", gap=1.5, **members):
    """The step once more, with the next id."""
    step = append(made, f"again_{len(made.steps)}", made[name].copy())
    step.gap = gap
    step.send_json({**step.json, "id": 7})
    if step.entry["response"]["content"].get("text"):
        change_answer(step, id=7)
    if members:
        change(step, **members)
    return step


def posted(made, message, status=202, reason="Accepted"):
    """Another message of the client, accepted without a body."""
    step = append(made, f"posted_{len(made.steps)}", made["call"].copy())
    step.send_json(message)
    step.gap = 0.2
    empty(step, status, reason)
    return step


def asked(made, message):
    """The server asks on the stream of the call, before it answers."""
    stream(made["call"], event(message), event(answer_of(made["call"])))


PING = {"jsonrpc": "2.0", "id": 31, "method": "ping"}
PONG = {"jsonrpc": "2.0", "id": 31, "result": {}}
CHANGED = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}


# --- requests


@page(session)
def message_not_posted(made):
    made["call"].entry["request"]["method"] = "PUT"
    answer_as(made["call"], "text/plain", "Method not allowed")
    made["call"].set_status(405, "Method Not Allowed")


@page(session)
def accept_lacks_a_type(made):
    made["call"].set_header("accept", "application/json")


@page(session, ok=lambda made: made["call"].set_header("accept", "application/json, text/event-stream, */*"))
def accept_is_a_wildcard(made):
    made["call"].set_header("accept", "*/*")


@page(with_listener)
def stream_accept_lacks_event_stream(made):
    made["stream"].set_header("accept", "*/*")


def batch(step, *more):
    step.send_json([step.json, *more])


@page(session)
def message_sent_in_a_batch(made):
    batch(made["call"])


@page(session)
def post_without_a_message(made):
    made["call"].send("")
    refusal = {"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "Parse error"}}
    answer_json(made["call"], refusal, 400, "Bad Request")


@page(stateless)
def client_answers_in_stateless(made):
    posted(made, {"jsonrpc": "2.0", "id": 4, "result": {"action": "accept"}}, 400, "Bad Request")


def answers_in_a_batch(made, *more):
    stream(made["call"], event(PING), event({**PING, "id": 32}), event(answer_of(made["call"])))
    posted(made, [PONG, {**PONG, "id": 32}, *more])


@page(of_2025_03_26, ok=answers_in_a_batch)
def batch_mixes_answers(made):
    answers_in_a_batch(made, {"jsonrpc": "2.0", "method": "notifications/roots/list_changed"})


def one_batch(made):
    answer = answer_of(made["call"])
    batch(made["call"])
    answer_json(made["call"], [answer])


@page(of_2025_03_26, ok=one_batch)
def batch_is_empty(made):
    posted(made, [], 400, "Bad Request")


@page(of_2025_03_26, ok=one_batch)
def batch_refused(made):
    one_batch(made)
    error = {"code": -32600, "message": "Invalid Request"}
    answer_json(made["call"], {"jsonrpc": "2.0", "id": None, "error": error}, 400, "Bad Request")


@page(session)
def server_sends_a_batch(made):
    answer_json(made["call"], [answer_of(made["call"])])


# --- answers to notifications


@page(session)
def notification_not_answered_202(made):
    empty(made["initialized"], 200, "OK")


@page(session)
def accepted_notification_has_a_body(made):
    answer_as(made["initialized"], "text/plain", "Accepted")
    made["initialized"].set_status(202, "Accepted")


@page(session)
def refused_notification_called_success(made):
    error = {"code": -32600, "message": "Invalid Request"}
    answer_json(made["initialized"], {"jsonrpc": "2.0", "id": None, "error": error})


@page(session)
def notification_answered_with_a_result(made):
    answer_json(made["initialized"], {"jsonrpc": "2.0", "id": None, "result": {}})


@page(session, ok=lambda made: asked(made, CHANGED))
def server_notification_with_an_id(made):
    asked(made, {**CHANGED, "id": None})


# --- answers to requests


@page(session)
def answer_neither_json_nor_stream(made):
    answer_as(made["call"], "text/plain; charset=utf-8", "OK")


@page(session)
def request_only_accepted(made):
    empty(made["call"], 202, "Accepted")


def with_charset(side, charset):
    def set_charset(made):
        if side == "response":
            answer_json(made["call"], answer_of(made["call"]))
        made["call"].set_header("content-type", "application/json; charset=" + charset, side)

    return set_charset


@page(session, ok=with_charset("request", "utf-8"))
def client_charset_not_utf_8(made):
    with_charset("request", "iso-8859-1")(made)


@page(session, ok=with_charset("response", "utf-8"))
def server_charset_not_utf_8(made):
    with_charset("response", "iso-8859-1")(made)


@page(session)
def message_without_version(made):
    change(made["call"], jsonrpc=None)


@page(session)
def answer_without_version(made):
    answer_json(made["call"], {"message": "Unauthorized"})


# --- ids


@page(session)
def request_id_of_wrong_type(made):
    change(made["call"], id=2.5)
    change_answer(made["call"], id=2.5)


@page(session)
def request_without_id(made):
    change(made["call"], id=None)
    empty(made["call"], 202, "Accepted")


def pinged(made, ping=PING):
    asked(made, ping)
    posted(made, {**PONG, "id": ping["id"]})


@page(session, ok=pinged)
def server_request_id_of_wrong_type(made):
    pinged(made, {**PING, "id": 1.5})


@page(session, ok=again)
def request_id_reused(made):
    again(made, id=made["call"].json["id"], params={"name": "list_notes", "arguments": {"tag": "home"}})
    change_answer(made[list(made.steps)[-1]], id=made["call"].json["id"])


def overlapping(made, id):
    """A second call while the first is answered."""
    made["call"].entry["time"] = 4000
    step = again(made, gap=0.5)
    step.entry["time"] = 40
    change(step, id=id)
    change_answer(step, id=id)


@page(stateless, ok=lambda made: overlapping(made, 7))
def request_id_still_open(made):
    overlapping(made, made["call"].json["id"])


def pinged_twice(made, second):
    made.drop("initialized")
    pinged(made)
    step = again(made)
    stream(step, event({**PING, "id": second}), event(answer_of(step)))
    posted(made, {**PONG, "id": second})


@page(session, ok=lambda made: pinged_twice(made, 32))
def server_request_id_reused(made):
    pinged_twice(made, 31)


@page(session)
def answer_to_no_request(made):
    change_answer(made["call"], id=str(made["call"].json["id"]))


@page(session)
def result_without_id(made):
    change_answer(made["call"], id=None)


@page(session, ok=pinged)
def client_answers_no_request(made):
    asked(made, PING)
    posted(made, {**PONG, "id": "31"})


# --- what a response holds


@page(session)
def result_beside_error(made):
    change_answer(made["call"], error={"code": 0, "message": ""})


@page(session)
def answer_with_neither_result_nor_error(made):
    change_answer(made["call"], result=None)


def called_in_vain(made):
    refused(made["call"], -32602, "Unknown tool")


@page(session, ok=called_in_vain)
def error_code_not_a_number(made):
    refused(made["call"], "invalid_token", "Token expired")


@page(session, ok=called_in_vain)
def error_without_message(made):
    refused(made["call"], -32602, "", error={"code": -32602})


@page(session)
def notification_with_an_id(made):
    change(made["initialized"], id=1)
    refused(made["initialized"], -32601, "Method not found")


@page(stateless, ok=lambda made: refused(made["call"], -32020, "Header mismatch", 400, "Bad Request"))
def reserved_error_code_used(made):
    refused(made["call"], -32050, "Login required", 400, "Bad Request")


@page(stateless, ok=called_in_vain)
def retired_error_code(made):
    refused(made["call"], -32042, "Sign in first", 400, "Bad Request")


@page(stateless, ok=lambda made: refused(made["call"], -32601, "Method not found", 404, "Not Found"))
def unknown_method_not_404(made):
    refused(made["call"], -32601, "Method not found")


# --- messages of the server, cancellations, pings


@page(stateless)
def server_request_in_stateless(made):
    asked(made, {"jsonrpc": "2.0", "id": 31, "method": "elicitation/create",
                 "params": {"mode": "url", "message": "Sign in", "url": "https://notes.example.com/connect"}})


def listen(made, *events, first=None):
    """A subscription to changes of the tools."""
    step = append(made, "listen", made["call"].copy())
    meta = made["call"].json["params"]["_meta"]
    filters = {"toolsListChanged": True}
    step.send_json({"jsonrpc": "2.0", "id": 5, "method": "subscriptions/listen",
                    "params": {"notifications": filters, "_meta": meta}})
    step.set_header("mcp-method", "subscriptions/listen")
    step.set_header("mcp-name", None)
    acknowledged = of_listen("notifications/subscriptions/acknowledged", notifications=filters)
    stream(step, event(first or acknowledged), *[event(message) for message in events])


def of_listen(method, subscription=5, **params):
    """A notification of that subscription."""
    meta = {"io.modelcontextprotocol/subscriptionId": subscription}
    return {"jsonrpc": "2.0", "method": method, "params": {**params, "_meta": meta}}


def tools_changed(made):
    listen(made, of_listen("notifications/tools/list_changed"))


@page(stateless, ok=tools_changed)
def change_notification_on_request_stream(made):
    asked(made, CHANGED)


def slow_call_cancelled(made, id):
    made["call"].entry["time"] = 3000
    posted(made, {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}})


@page(session, ok=lambda made: slow_call_cancelled(made, made["call"].json["id"]))
def cancels_no_request(made):
    slow_call_cancelled(made, 17)


def cancelled(id):
    return {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}


@page(stateless, ok=lambda made: listen(made, cancelled(5)))
def server_cancels_a_request(made):
    asked(made, cancelled(made["call"].json["id"]))


def ping(made):
    step = again(made)
    step.send_json({**PING, "id": 7})
    answer_json(step, {**PONG, "id": 7})
    return step


@page(session, ok=ping)
def ping_answered_with_an_error(made):
    refused(ping(made), -32601, "Method not found")


def pinged_and_called(made):
    pinged(made)
    again(made)


@page(session, ok=pinged_and_called)
def ping_not_answered(made):
    asked(made, PING)
    again(made)
