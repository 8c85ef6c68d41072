"""Faults of refresh and step-up, for the recordings beside the rule pages."""

from faults_mcp import stateless
from incidents import MCP, append, begin_again, expires, native, page, refused_grant, retry


@page(native, ok=expires)
def refresh_never_attempted(made):
    expires(made)
    made.cut_after("expired_call")
    retry(made, "expired_call")


@page(native, ok=expires)
def no_refresh_token_issued(made):
    expires(made)
    made["token"].respond_json({name: value for name, value in made["token"].answer.items() if name != "refresh_token"})
    made.cut_after("expired_call")
    begin_again(made)


@page(native, ok=expires)
def refresh_token_used_twice_at_once(made):
    expires(made)
    made["refresh"].entry["time"] = 60
    again = made.insert("refresh_again", made["refresh"].copy(), after="refresh")
    again.gap = 0.004
    refused_grant(made, again)
    made.cut_after("refresh_again")


@page(native, ok=expires)
def rotated_refresh_token_not_kept(made):
    expires(made)
    second = append(made, "second_refresh", made["refresh"].copy())
    second.gap = 3700
    refused_grant(made, second)


def refresh_for(made, resource, audience):
    expires(made)
    made["refresh"].set_form(resource=resource)
    token = made.reissued(made["refresh"].answer["access_token"], aud=audience)
    made["refresh"].respond_json({**made["refresh"].answer, "access_token": token})
    made["repeated_call"].answer_like(made["expired_call"])
    made["repeated_call"].set_header("authorization", "Bearer " + token)
    retry(made, "repeated_call")


@page(native, ok=expires)
def resource_absent_in_refresh(made):
    refresh_for(made, None, made["token"].form["client_id"])


@page(native, ok=expires)
def resource_differs_in_refresh(made):
    refresh_for(made, MCP.removesuffix("mcp"), MCP.removesuffix("mcp"))


def want_scope(made, name, scope):
    """The server refuses a step for want of scope."""
    step = made[name]
    step.answer_like(made["challenge"])
    step.set_status(403, "Forbidden")
    says = "This operation needs a wider scope"
    pointer = MCP.replace("/mcp", "/.well-known/oauth-protected-resource/mcp")
    step.set_header(
        "www-authenticate",
        f'Bearer error="insufficient_scope", error_description="{says}", scope="{scope}", resource_metadata="{pointer}"',
        "response",
    )
    step.respond_json({"error": "insufficient_scope", "error_description": says})


def another_login(made, number, scope, granted):
    """Another login, which asks for one scope and is granted another."""
    code, state = made.text(), made.uuid()
    verifier, challenge = made.pkce()
    request = append(made, f"authorization_{number}", made["authorization"].copy())
    request.set_query(code_challenge=challenge, state=state, scope=scope)
    callback = append(made, f"callback_{number}", made["callback"].copy())
    callback.set_query(code=code, state=state)
    callback.gap = 3
    request.redirect_to(callback.url)
    request.respond(f"Redirecting to {callback.url.replace('&', '&amp;')}.")
    exchange = append(made, f"token_{number}", made["token"].copy())
    exchange.set_form(code=code, code_verifier=verifier)
    return answer_with(made, exchange, granted)


def answer_with(made, step, scope):
    token = made.reissued(made.token, scope=scope, jti=made.text())
    step.respond_json({**made["token"].answer, "access_token": token, "scope": scope})
    return token


def steps_up(made, asked="mcp:admin", wanted="mcp:tools mcp:admin", granted=None, accepted=True, rounds=1):
    """A call is refused for want of scope; the client logs in anew and repeats it."""
    made["call"].set_header("mcp-param", None)
    want_scope(made, "call", asked)
    for number in range(1, rounds + 1):
        token = another_login(made, number, wanted, granted or wanted)
        repeated = append(made, f"call_{number}", made["call"].copy())
        repeated.set_header("authorization", "Bearer " + token)
    if accepted:
        repeated.answer_like(made["list"])


@page(native, ok=steps_up)
def step_up_asks_for_less(made):
    steps_up(made, wanted="mcp:tools", accepted=False)


def refreshes(made, granted):
    made["token"].respond_json({**made["token"].answer, "refresh_token": made.text()})
    want_scope(made, "call", "mcp:admin")
    refresh = append(made, "refresh", made["token"].copy())
    old = made["token"].answer["refresh_token"]
    refresh.set_form(grant_type="refresh_token", code=None, code_verifier=None, redirect_uri=None, refresh_token=old)
    token = answer_with(made, refresh, granted)
    repeated = append(made, "repeated_call", made["call"].copy())
    repeated.set_header("authorization", "Bearer " + token)
    return repeated


def refreshes_widely(made):
    refreshes(made, "mcp:tools mcp:admin").answer_like(made["list"])


@page(native, ok=refreshes_widely)
def step_up_by_refresh_only(made):
    refreshes(made, "mcp:tools")


@page(native, ok=steps_up)
def step_up_challenge_names_held_scope(made):
    steps_up(made, asked="mcp:tools", wanted="mcp:tools", accepted=False)


@page(native, ok=steps_up)
def step_up_without_end(made):
    steps_up(made, accepted=False, rounds=4)
    held = "mcp:tools"
    for number, name in enumerate(["call", "call_1", "call_2", "call_3", "call_4"]):
        want_scope(made, name, f"mcp:level-{number}")
        if number:
            held += f" mcp:level-{number - 1}"
            made[f"authorization_{number}"].set_query(scope=held)
            token = answer_with(made, made[f"token_{number}"], held)
            made[name].set_header("authorization", "Bearer " + token)


def steps_up_without_session(made):
    steps_up(made)


@page(stateless, ok=steps_up_without_session)
def step_up_drops_earlier_scope(made):
    steps_up(made, wanted="mcp:admin")
    token = made["token_1"].answer["access_token"]
    listed = append(made, "list_again", made["list"].copy())
    listed.set_header("authorization", "Bearer " + token)
    want_scope(made, "list_again", "mcp:tools")
    retry(made, "list_again")


def begins_to_step_up(made):
    """The browser is sent to the login for more scope, and the user does not finish it."""
    want_scope(made, "call", "mcp:admin")
    login = append(made, "authorization_again", made["authorization"].copy())
    _, challenge = made.pkce()
    login.set_query(code_challenge=challenge, state=made.uuid(), scope="mcp:tools mcp:admin")
    append(made, "page_again", made["callback"].copy()).gap = 8
    append(made, "list_again", made["list"].copy())


@page(native, ok=begins_to_step_up)
def step_up_not_answered(made):
    want_scope(made, "call", "mcp:admin")
    # The user looks at the page of the login again; the browser that shows this shows no new login.
    append(made, "page_again", made["callback"].copy()).gap = 8
    append(made, "list_again", made["list"].copy())
