"""Incidents for the recordings beside the rule pages, and what can be done to them.

`native` is a native client seen by mitmproxy, `browser` a client in a page seen by Chromium.
"""

import re

import traffic

HOSTS = {
    "http://mcp.acme.test:8080": "https://mcp.example.com",
    "http://auth.acme.test:9000": "https://as.example.com",
    "mcp.acme.test:8080": "mcp.example.com",
    "auth.acme.test:9000": "as.example.com",
    "mcp.acme.test": "mcp.example.com",
    "auth.acme.test": "as.example.com",
}
MCP = "https://mcp.example.com/mcp"
PAGES = {}


def page(build, ok=None):
    """Registers a page: `build(seed)` is the incident without the fault, the function puts the fault in.

    `ok` is what is done to the incident without the fault, where it is not to stay as it is.
    """

    def register(fault):
        PAGES[fault.__name__.replace("_", "-")] = (build, fault, ok or (lambda made: None))
        return fault

    return register


# --- incidents


def native(seed):
    made = traffic.native(seed, HOSTS)
    made.drop("registration", "stream", "end")
    return made


def native_with_login_page(seed):
    made = traffic.native(seed, HOSTS, direct=False)
    made.drop("registration", "stream", "end")
    return made


def browser(seed):
    return traffic.browser(seed, HOSTS)


def of_2025_06_18(seed):
    made = native(seed)
    made.replace({"2025-11-25": "2025-06-18"})
    return made


# --- what can be done to an incident


def last(made):
    return list(made.steps)[-1]


def append(made, name, step):
    return made.insert(name, step, after=last(made))


def begin_again(made):
    """The client starts anew: what was still to come before that did not come."""
    for name in ("challenge", "resource_metadata", "as_metadata"):
        append(made, "again_" + name, made[name].copy())
    made["again_challenge"].gap = 2.5


def refuse(made, *names):
    """The server calls the token of these requests invalid, and nothing comes after them."""
    for name in names:
        step = made[name]
        step.answer_like(made["challenge"])
        say_invalid(step)
    made.cut_after(names[-1])


def say_invalid(step):
    for header in step.entry["response"]["headers"]:
        header["value"] = header["value"].replace("Missing Authorization header", "Invalid access token")
    step.respond_json({"error": "invalid_token", "error_description": "Invalid access token"})


def call_missing(made, *names):
    """The server says of these requests that they carry no token, and nothing comes after them."""
    for name in names:
        made[name].answer_like(made["challenge"])
    made.cut_after(names[-1])


def without_token(made, *names):
    for name in names:
        made[name].set_header("authorization", None)


def retry(made, name="challenge", gap=1.2):
    again = append(made, f"retry_{len(made.steps)}", made[name].copy())
    again.gap = gap
    return again


def without_pointer(made):
    """The challenge stays, the pointer to the metadata goes."""
    value = made["challenge"].header("www-authenticate", "response")
    value = re.sub(r', resource_metadata="[^"]*"', "", value)
    made["challenge"].set_header("www-authenticate", value, "response")


def refused_grant(made, step):
    """The answer of a token endpoint that refuses a grant."""
    step.answer_like(traffic.recorded("verifier-overwritten-mitmproxy-two-files", "client.har", 9))


def not_found(step):
    step.answer_like(traffic.recorded("clean-2025-11-25-mitmproxy", "session.har", 6))


def refuse_callback(made, reason):
    made["callback"].set_status(400, "Bad Request")
    made["callback"].respond(f"<!doctype html><title>Notes Desk</title><p>Sign-in failed: {reason}.</p>")
    made.cut_after("callback")
    begin_again(made)


def answer_authorization(made, **changes):
    """Changes what the authorization response carries, on the redirect and at the callback."""
    callback = made["callback"]
    callback.set_query(**changes)
    made["authorization"].redirect_to(callback.url)
    if made["authorization"].entry["response"]["content"].get("text"):
        made["authorization"].respond(f"Redirecting to {callback.url.replace('&', '&amp;')}.")


def other_login(made):
    """A second login of the same client, begun while the first is under way and never finished."""
    other = made["authorization"].copy()
    verifier, challenge = made.pkce()
    other.set_query(code_challenge=challenge, state=made.uuid())
    other.redirect_to("/interaction/" + made.text())
    other.gap = 0.7
    made.insert("other_authorization", other, after="authorization")
    return verifier


def document(made, name, **changes):
    made[name].respond_json({**made[name].answer, **changes})


def expires(made):
    """The token expires, and the client asks for a new one; the grant holds."""
    refresh_token = made.text()
    made["token"].respond_json({**made["token"].answer, "refresh_token": refresh_token})
    expired = append(made, "expired_call", made["call"].copy())
    expired.gap = 3700
    expired.answer_like(made["challenge"])
    say_invalid(expired)
    refresh = append(made, "refresh", made["token"].copy())
    refresh.set_form(grant_type="refresh_token", code=None, code_verifier=None, redirect_uri=None, refresh_token=refresh_token)
    late = int(made.start.timestamp()) + 3710
    token = made.reissued(made.token, iat=late, exp=late + 3600, jti=made.text())
    refresh.respond_json({**made["token"].answer, "access_token": token, "refresh_token": made.text()})
    repeated = append(made, "repeated_call", made["call"].copy())
    repeated.set_header("authorization", "Bearer " + token)


def behind_a_gateway(made):
    """Every request to the MCP endpoint is recorded twice: before the gateway and behind it."""
    for name in [name for name, step in made.steps.items() if step.url == MCP]:
        near = made[name]
        near.entry |= {"serverIPAddress": "203.0.113.20", "_serverPort": 443, "connection": "41200", "time": 60}
        far = made.insert(name + "_behind", near.copy(), after=name)
        far.gap = 0.005
        far.entry |= {"serverIPAddress": "10.0.4.21", "_serverPort": 8081, "connection": "50312", "time": 20}
        far.url = "http://10.0.4.21:8081/mcp"
        far.set_header("x-forwarded-for", "198.51.100.7")
