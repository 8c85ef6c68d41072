"""Faults of streams and of the transport of 2024-11-05, for the recordings beside the pages of `rules/transport`."""

import json

from incidents import append, page
from rules_transport import (
    CHANGED,
    again,
    answer_as,
    answer_json,
    answer_of,
    asked,
    change,
    empty,
    event,
    listen,
    of_2025_06_18,
    of_listen,
    session,
    stateless,
    stream,
    tools_changed,
    with_listener,
)

STREAMS = "https://mcp.example.com/sse"
MESSAGES = "https://mcp.example.com/messages"


# --- incidents


def old_transport(seed):
    """A session of 2024-11-05: a stream, and POSTs to where it says."""
    made = with_listener(seed)
    made.replace({"2025-11-25": "2024-11-05"})
    made.steps = {"stream": made["stream"], **{name: step for name, step in made.steps.items() if name != "stream"}}
    answers = [event(answer_of(made["initialize"])), event(answer_of(made["call"]))]
    for step in made.steps.values():
        for name in ("mcp-session-id", "mcp-protocol-version"):
            step.set_header(name, None)
            step.set_header(name, None, "response")
    path = "/messages?sessionId=" + made.uuid()
    for name in ("initialize", "initialized", "call"):
        made[name].url = STREAMS.removesuffix("/sse") + path
        empty(made[name], 202, "Accepted")
    made["stream"].url = STREAMS
    made["stream"].entry["time"] = 5000
    stream(made["stream"], f"event: endpoint\ndata: {path}\n\n", *answers)
    return made


# --- the transport of 2024-11-05


@page(old_transport)
def announced_endpoint_not_served(made):
    made.cut_after("initialize")
    first = made["stream"].entry["response"]["content"]["text"].split("\n\n")[0] + "\n\n"
    stream(made["stream"], first)
    answer_as(made["initialize"], "text/plain", "Cannot POST /messages")
    made["initialize"].set_status(404, "Not Found")


def opened_again(made, *before):
    """A second stream of the client, under a session of its own."""
    other = append(made, "other_stream", made["stream"].copy())
    stream(other, *before, f"event: endpoint\ndata: /messages?sessionId={made.uuid()}\n\n")


@page(old_transport, ok=opened_again)
def endpoint_not_announced_first(made):
    opened_again(made, event(CHANGED))


@page(old_transport)
def post_not_to_announced_endpoint(made):
    made["call"].url = MESSAGES


@page(old_transport)
def answer_only_in_post(made):
    events = made["stream"].entry["response"]["content"]["text"].split("\n\n")
    answer = json.loads(events[2].split("data: ")[1])
    stream(made["stream"], "\n\n".join(events[:2]) + "\n\n")
    answer_json(made["call"], answer)


# --- listening streams


@page(with_listener)
def listening_get_answered_with_other_content(made):
    answer_json(made["stream"], {"name": "notes-server", "version": "3.1.4"})


def no_listener(made, status, reason):
    answer_as(made["stream"], "text/plain", reason)
    made["stream"].set_status(status, reason)


@page(with_listener, ok=lambda made: no_listener(made, 405, "Method Not Allowed"))
def missing_stream_not_405(made):
    no_listener(made, 404, "Not Found")


def broken_off(made, resume=True, **resumption):
    """The stream of the call gives event ids and ends before the answer; the answer comes when it is resumed."""
    answer = answer_of(made["call"])
    stream(made["call"], event(None, id="s1-0"), event(None, retry=resumption.get("retry", 1000)))
    if resume:
        resumed = append(made, "resumed", made["call"].copy())
        resumed.entry["request"]["method"] = "GET"
        del resumed.entry["request"]["postData"]
        resumed.entry["request"]["bodySize"] = 0
        for name in ("content-type", "content-length"):
            resumed.set_header(name, None)
        resumed.set_header("accept", "text/event-stream")
        resumed.set_header("last-event-id", "s1-0")
        resumed.gap = resumption.get("gap", 1.2)
        stream(resumed, event(answer, id="s1-1"))


@page(with_listener, ok=broken_off)
def answer_on_listening_stream(made):
    answer = answer_of(made["call"])
    made["stream"].entry["time"] = 3000
    empty(made["call"], 202, "Accepted")
    stream(made["stream"], event(answer))


# --- streams of requests


@page(of_2025_06_18)
def stream_ends_without_the_answer(made):
    again(made)
    stream(made["call"], event({"jsonrpc": "2.0", "method": "notifications/message",
                                "params": {"level": "info", "data": "working"}}))


@page(session, ok=lambda made: asked(made, CHANGED))
def messages_after_the_answer(made):
    stream(made["call"], event(answer_of(made["call"])), event(CHANGED))


@page(session, ok=lambda made: primed(made, event(None, id="s1-0")))
def stream_not_primed(made):
    primed(made)


def primed(made, *before):
    stream(made["call"], *before, event(answer_of(made["call"]), id="s1-1"))


@page(session, ok=broken_off)
def closed_without_retry(made):
    broken_off(made)
    stream(made["call"], event(None, id="s1-0"))


@page(session, ok=broken_off)
def open_request_not_resumed(made):
    answer = answer_of(made["call"])
    broken_off(made, resume=False)
    step = append(made, "again", made["call"].copy())
    step.gap = 1.5
    change(step, id=7)
    answer_json(step, {**answer, "id": 7})


@page(session, ok=lambda made: broken_off(made, retry=3000, gap=3.4))
def reconnected_before_retry(made):
    broken_off(made, retry=3000, gap=0.2)


def numbered(made, second):
    primed(made, event(None, id="s1-0"))
    step = again(made)
    stream(step, event(None, id=second), event(answer_of(step), id=second + "-1"))


@page(session, ok=lambda made: numbered(made, "s2-0"))
def event_id_sent_twice(made):
    numbered(made, "s1-0")


@page(session, ok=broken_off)
def last_event_id_on_post(made):
    answer = answer_of(made["call"])
    broken_off(made, resume=False)
    step = append(made, "again", made["call"].copy())
    step.gap = 1.5
    change(step, id=7)
    step.set_header("last-event-id", "s1-0")
    answer_json(step, {**answer, "id": 7})


@page(stateless)
def stream_resumed_in_stateless(made):
    step = append(made, "resumed", made["call"].copy())
    step.entry["request"]["method"] = "GET"
    del step.entry["request"]["postData"]
    step.entry["request"]["bodySize"] = 0
    for name in ("content-type", "content-length", "mcp-method", "mcp-name"):
        step.set_header(name, None)
    step.set_header("last-event-id", "s1-0")
    step.set_header("accept", "text/event-stream")
    answer_as(step, "text/plain", "Method Not Allowed")
    step.set_status(405, "Method Not Allowed")


@page(session)
def request_answered_twice(made):
    stream(made["call"], event(answer_of(made["call"])), event(answer_of(made["call"])))


@page(stateless, ok=lambda made: stream(made["call"], event(answer_of(made["call"]))))
def buffering_not_switched_off(made):
    stream(made["call"], event(answer_of(made["call"])))
    made["call"].set_header("x-accel-buffering", None, "response")


# --- subscriptions


@page(stateless, ok=tools_changed)
def listen_not_acknowledged_first(made):
    listen(made, first=of_listen("notifications/tools/list_changed"))


@page(stateless, ok=tools_changed)
def notification_not_subscribed_to(made):
    listen(made, of_listen("notifications/prompts/list_changed"))


@page(stateless, ok=tools_changed)
def request_notification_on_subscription(made):
    listen(made, of_listen("notifications/message", level="info", data="working"))


@page(stateless, ok=tools_changed)
def subscription_id_differs(made):
    listen(made, of_listen("notifications/tools/list_changed", subscription="5"))
