"""Recordings of wrong repairs that were tried after a loss."""

from incidents import append, begin_again, last, native, native_with_login_page, other_login, page, refuse, refused_grant


def redeemed_twice(made, same):
    """The verifier of another login is redeemed, and redeemed again."""
    made["token"].set_form(code_verifier=other_login(made))
    refused_grant(made, made["token"])
    made.cut_after("token")
    again = append(made, "again_token", made["token"].copy())
    again.gap = 1.5
    if not same:
        again.set_form(code_verifier=made.text())


@page(native_with_login_page, ok=lambda made: redeemed_twice(made, same=False))
def redemption_repeated_unchanged(made):
    redeemed_twice(made, same=True)


def with_page(made):
    """The authorization server shows a page for signing in, whose form leads on."""
    sign_in = made["authorization"].copy()
    sign_in.url = "https://as.example.com/interaction/" + made.text()
    made["authorization"].redirect_to(sign_in.url)
    made.insert("form", sign_in.copy(), after="authorization").entry["request"]["method"] = "POST"
    made["form"].redirect_to(made["resume"].url)
    sign_in.set_status(200, "OK")
    sign_in.set_header("location", None, "response")
    sign_in.entry["response"]["redirectURL"] = ""
    sign_in.respond("<!doctype html><title>Sign in</title><form method=post><input name=login></form>")
    made.insert("page", sign_in, after="authorization")


@page(native_with_login_page, ok=with_page)
def login_not_finished(made):
    with_page(made)
    made.cut_after("page")
    begin_again(made)


def second_attempt(made, **changes):
    """The first login ends with a refused redemption, and the client begins another one."""
    made["token"].set_form(code_verifier=made.text())
    refused_grant(made, made["token"])
    made.cut_after("token")
    begin_again(made)
    verifier, challenge = made.pkce()
    again = append(made, "again_authorization", made["authorization"].copy())
    again.set_query(**{"code_challenge": challenge, "state": made.uuid(), **changes})
    again.redirect_to("/interaction/" + made.text())
    return verifier


@page(native, ok=second_attempt)
def pkce_dropped_between_attempts(made):
    second_attempt(made, code_challenge=None, code_challenge_method=None)


@page(native, ok=second_attempt)
def challenge_method_downgraded(made):
    verifier = second_attempt(made)
    made[last(made)].set_query(code_challenge=verifier, code_challenge_method="plain")


def repeated_with_another_token(made):
    accepted = made["initialize"].copy()
    refuse(made, "initialize")
    again = append(made, "again_initialize", accepted)
    again.gap = 1.5
    again.set_header("authorization", "Bearer " + made.reissued(made.token, jti=made.text()))


@page(native, ok=repeated_with_another_token)
def refused_request_repeated_unchanged(made):
    refuse(made, "initialize")
    again = append(made, "again_initialize", made["initialize"].copy())
    again.gap = 1.5
