"""Short incidents: what is not needed to tell the fault is left out."""

import json
from urllib.parse import urlencode

import incidents
import traffic
from incidents import HOSTS, append, last, not_found, retry

# Headers that say something to an analyzer; a browser or a proxy adds many more.
TELLING = {
    "accept", "authorization", "content-type", "location", "mcp-method", "mcp-name", "mcp-protocol-version",
    "mcp-session-id", "origin", "user-agent", "www-authenticate",
}
# Members of answers that the pages made here do not ask about.
UNASKED = [
    "acr_values_supported", "claim_types_supported", "claims_parameter_supported", "claims_supported",
    "end_session_endpoint", "id_token_signing_alg_values_supported", "introspection_endpoint",
    "introspection_endpoint_auth_methods_supported", "pushed_authorization_request_endpoint",
    "request_object_signing_alg_values_supported", "request_parameter_supported", "request_uri_parameter_supported",
    "response_modes_supported", "revocation_endpoint", "revocation_endpoint_auth_methods_supported",
    "subject_types_supported", "token_endpoint_auth_signing_alg_values_supported", "userinfo_endpoint",
    "userinfo_signing_alg_values_supported", "registration_client_uri", "registration_access_token",
    "id_token_signed_response_alg", "require_auth_time", "post_logout_redirect_uris", "dpop_bound_access_tokens",
    "require_pushed_authorization_requests", "dpop_signing_alg_values_supported", "claims_locales_supported",
    "ui_locales_supported", "require_request_uri_registration",
]


def page(build, ok=None):
    """As `incidents.page`, with everything left out that says nothing."""

    def short(change):
        def changed(made):
            change(made)
            slim(made)

        changed.__name__ = change.__name__
        return changed

    def register(fault):
        incidents.page(build, ok=short(ok or (lambda made: None)))(short(fault))
        return fault

    return register


def slim(made):
    for step in made.steps.values():
        between_origins = step.header("origin") is not None or step.method == "OPTIONS"
        for side in ("request", "response"):
            step.entry[side]["cookies"] = []
            headers = step.entry[side]["headers"]
            names = {header["name"].lower() for header in headers}
            keep = TELLING | {name for name in names if between_origins and name.startswith("access-control-")}
            headers[:] = [header for header in headers if header["name"].lower() in keep]
        for header in step.entry["request"]["headers"]:
            name = header["name"].lower()
            if name == "user-agent" and header["value"].startswith("Mozilla"):
                header["value"] = "Mozilla/5.0"
            if name == "accept" and header["value"].startswith("text/html"):
                header["value"] = "text/html"
        step.entry["timings"] = {name: round(time, 1) for name, time in step.entry["timings"].items()}
        step.entry["time"] = round(step.entry["time"], 1)
        answer = step.entry["response"]["content"].get("text", "")
        if answer.startswith("{") and step.method in ("GET", "POST"):
            members = step.answer
            if any(name in members for name in UNASKED):
                step.respond_json({name: value for name, value in members.items() if name not in UNASKED})


# --- incidents


def login(seed):
    """A native client that has its client id already, up to its first accepted request."""
    made = traffic.native(seed, HOSTS)
    made.drop("registration", "initialized", "stream", "list", "call", "end")
    return made


def registers(seed):
    """A native client that registers before it logs in."""
    made = traffic.native(seed, HOSTS)
    made.drop("initialized", "stream", "list", "call", "end")
    return made


def of(revision, build):
    """The incident under another revision."""

    def built(seed):
        made = build(seed)
        if revision == "2026-07-28":
            modern(made)
        else:
            made.replace({"2025-11-25": revision})
        if revision == "2025-03-26":
            at_one_origin(made)
        return made

    return built


def modern(made):
    """The client asks by request instead of opening a session."""
    recorded = traffic.recorded("clean-2026-07-28-har", "browser.har", 2)
    asked = json.loads(recorded.entry["request"]["postData"]["text"])
    answer = traffic.recorded("clean-2026-07-28-har", "browser.har", 25)
    for name in [name for name in ("challenge", "initialize") if name in made.steps]:
        made[name].send_json(asked)
        made[name].set_header("mcp-protocol-version", "2026-07-28")
        made[name].set_header("mcp-method", "server/discover")
    made["initialize"].set_header("mcp-session-id", None, "response")
    made["initialize"].set_header("content-type", "application/json", "response")
    made["initialize"].entry["response"]["content"]["mimeType"] = "application/json"
    made["initialize"].respond(answer.entry["response"]["content"]["text"])
    made.replace({"2025-11-25": "2026-07-28"})


def at_one_origin(made):
    """The MCP server is its own authorization server, and no resource metadata is known."""
    made.drop("resource_metadata")
    made["challenge"].set_header("www-authenticate", 'Bearer realm="notes"', "response")
    made.replace({"https://as.example.com": "https://mcp.example.com", "as.example.com": "mcp.example.com"})


# --- what can be done to an incident


def without(made, name, *members):
    answer = {key: value for key, value in made[name].answer.items() if key not in members}
    made[name].respond_json(answer)


def missing(made, name):
    """404, and the client begins again."""
    not_found(made[name])
    made.cut_after(name)
    retry(made)


def stops_after(made, name):
    made.cut_after(name)
    retry(made)


def answer_json(step, status, text, value):
    step.set_status(status, text)
    step.set_header("content-type", "application/json", "response")
    step.entry["response"]["content"]["mimeType"] = "application/json"
    step.respond_json(value)


def error_page(made, code, status=400, text="Bad Request", name="authorization"):
    """The authorization server shows the user an error and redirects nowhere."""
    step = made[name]
    step.set_status(status, text)
    step.set_header("content-type", "text/html; charset=utf-8", "response")
    step.set_header("location", None, "response")
    step.entry["response"]["redirectURL"] = ""
    step.entry["response"]["content"]["mimeType"] = "text/html"
    step.respond(f"<!doctype html><title>oops!</title><pre><strong>error</strong>: {code}</pre>")
    stops_after(made, name)


def refused_token(made, error="invalid_client"):
    answer_json(made["token"], 400, "Bad Request", {"error": error})
    made.cut_after("token")


def as_form(step):
    """The body of a registration as a form."""
    pairs = {name: " ".join(value) if isinstance(value, list) else value for name, value in step.json.items()}
    step.set_header("content-type", "application/x-www-form-urlencoded")
    step.entry["request"]["postData"]["mimeType"] = "application/x-www-form-urlencoded"
    step.send(urlencode(pairs))


def again(made, name, new_name, gap=1.2):
    """The step once more, at the end."""
    step = append(made, new_name, made[name].copy())
    step.gap = gap
    return step


def end_of(made):
    return made[last(made)]
