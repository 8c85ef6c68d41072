"""Registration and client ids, for the recordings beside the rule pages."""

import traffic
from incidents import HOSTS, answer_authorization, append, begin_again, document, not_found
from short import answer_json, as_form, error_page, login, of, page, refused_token, registers, stops_after

DOCUMENT = "https://notes-desk.example.net/client.json"
SECRET = "Zq1f-test-only-8Jx0vT2nKp5sYw"


def by_document(seed):
    """The client names itself by the URL of its metadata document."""
    made = login(seed)
    made.replace({made["token"].form["client_id"]: DOCUMENT})
    document(made, "as_metadata", client_id_metadata_document_supported=True)
    return made


def not_offered(made):
    answer = made["as_metadata"].answer
    del answer["client_id_metadata_document_supported"]
    made["as_metadata"].respond_json(answer)


def refused_registration(made, error="invalid_redirect_uri"):
    answer_json(made["registration"], 400, "Bad Request", {"error": error})
    stops_after(made, "registration")


def registered(made):
    stops_after(made, "registration")


# --- client id metadata documents


def registers_after(made, offered):
    made.replace({made["token"].form["client_id"]: DOCUMENT})
    registration = made["registration"]
    made.drop("registration")
    document(made, "as_metadata", client_id_metadata_document_supported=offered)
    append(made, "registration", registration)


@page(registers, ok=lambda made: registers_after(made, False))
def registration_though_document_works(made):
    registers_after(made, True)


@page(by_document)
def client_id_url_unfit(made):
    made.replace({DOCUMENT: "http://notes-desk.example.net/client.json"})
    error_page(made, "invalid_client")


def fetched(made, **changes):
    """The authorization server fetches the document while the browser waits."""
    fetch = made["resource_metadata"].copy()
    fetch.url = DOCUMENT
    for name in ("mcp-protocol-version", "authorization"):
        fetch.set_header(name, None)
    fetch.set_header("user-agent", "as.example.com")
    fetch.entry["serverIPAddress"] = "203.0.113.80"
    asked = made["authorization"].query
    says = {"client_id": DOCUMENT, "client_name": "Notes Desk", "redirect_uris": [asked["redirect_uri"]]} | changes
    fetch.respond_json({name: value for name, value in says.items() if value is not None})
    made.insert("fetch", fetch, after="authorization")


def refuses_document(made):
    fetch = made["fetch"]
    error_page(made, "invalid_client")
    made.insert("fetch", fetch, after="authorization")


@page(by_document, ok=fetched)
def client_metadata_unreachable(made):
    fetched(made)
    not_found(made["fetch"])
    refuses_document(made)


@page(by_document, ok=fetched)
def client_metadata_without_redirect_uris(made):
    fetched(made, redirect_uris=None)
    refuses_document(made)


@page(by_document, ok=fetched)
def client_metadata_without_name(made):
    fetched(made, client_name=None)
    refuses_document(made)


@page(by_document, ok=fetched)
def client_metadata_names_another_client(made):
    fetched(made, client_id=DOCUMENT.replace("notes-desk", "www"))
    refuses_document(made)


@page(by_document)
def url_client_id_not_offered(made):
    not_offered(made)
    error_page(made, "invalid_client")


@page(by_document)
def url_client_id_accepted_unannounced(made):
    not_offered(made)


def signs(made):
    """The client authenticates by an assertion that it signs itself."""
    claims = {"iss": DOCUMENT, "sub": DOCUMENT, "aud": "https://as.example.com", "scope": None, "client_id": None}
    made["token"].set_form(
        client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        client_assertion=made.reissued(made.token, **claims),
    )


@page(by_document, ok=signs)
def secret_with_url_client_id(made):
    made["token"].set_form(client_secret=SECRET)
    refused_token(made)


# --- dynamic registration


@page(of("2025-06-18", registers), ok=registered)
def registration_endpoint_missing(made):
    answer_json(made["registration"], 404, "Not Found", {"error": "not_found"})
    registered(made)


def asks(made, **changes):
    asked = made["registration"].json | changes
    made["registration"].send_json({name: value for name, value in asked.items() if value is not None})


@page(of("2026-07-28", registers), ok=registered)
def application_type_absent(made):
    asks(made, application_type=None)
    refused_registration(made)


@page(of("2026-07-28", registers), ok=registered)
def native_client_registered_as_web(made):
    asks(made, application_type="web")
    refused_registration(made)


def on_the_web(seed):
    """A page on a host of its own."""
    made = traffic.stateless(seed, HOSTS | {"http://localhost:6274": "https://notes.example.org"})
    made.drop("page")
    asks(made, application_type="web")
    made.replace({"localhost:6274": "notes.example.org"})
    return made


@page(on_the_web, ok=lambda made: made.cut_after("registration"))
def web_client_registered_as_native(made):
    asks(made, application_type="native")
    made.cut_after("registration")
    answer_json(made["registration"], 400, "Bad Request", {"error": "invalid_redirect_uri"})


def refused_first(made, times, **changes):
    """The first attempts are refused, the last one is not, and the login goes on."""
    for number in range(times):
        refused = made["registration"].copy()
        refused.send_json(refused.json | changes)
        answer_json(refused, 400, "Bad Request", {"error": "invalid_client_metadata"})
        made.insert(f"refused_{number}", refused, after="as_metadata").gap = 1.2


@page(of("2026-07-28", registers), ok=lambda made: refused_first(made, 1, application_type="web"))
def refused_registration_repeated(made):
    refused_first(made, 3, scope="mcp:everything")


def registers_for(made, scope):
    """The client registers for a scope, and may not have the one that it asks for."""
    made["registration"].send_json(made["registration"].json | {"scope": scope})
    document(made, "resource_metadata", scopes_supported=["mcp:tools", "mcp:write"])
    made["authorization"].set_query(scope="mcp:tools mcp:write")
    answer_authorization(made, code=None, error="invalid_scope")
    made.cut_after("callback")
    begin_again(made)


@page(registers, ok=lambda made: registers_for(made, "mcp:tools mcp:write"))
def scope_not_registered(made):
    registers_for(made, "mcp:tools")


@page(registers, ok=registered)
def registration_success_not_201(made):
    made["registration"].set_status(200, "OK")
    registered(made)


@page(registers, ok=refused_registration)
def registration_refusal_unreadable(made):
    step = made["registration"]
    step.set_status(400, "Bad Request")
    step.set_header("content-type", "text/html; charset=utf-8", "response")
    step.entry["response"]["content"]["mimeType"] = "text/html"
    step.respond("<!doctype html><title>Bad Request</title><p>Bad Request.</p>")
    registered(made)


@page(registers, ok=registered)
def registration_not_json(made):
    as_form(made["registration"])
    refused_registration(made, "invalid_client_metadata")


@page(registers)
def registered_client_id_not_used(made):
    made["authorization"].set_query(client_id=made.text())
    error_page(made, "invalid_client")


def with_secret(seed):
    made = registers(seed)
    step = made["registration"]
    step.send_json(step.json | {"token_endpoint_auth_method": "client_secret_post"})
    given = {"token_endpoint_auth_method": "client_secret_post", "client_secret": SECRET, "client_secret_expires_at": 0}
    step.respond_json(step.answer | given)
    made["token"].set_form(client_secret=SECRET)
    return made


def expires_in(made, seconds):
    answer = made["registration"].answer
    made["registration"].respond_json(answer | {"client_secret_expires_at": int(made.start.timestamp()) + seconds})
    made["callback"].gap = 180


@page(with_secret, ok=lambda made: expires_in(made, 86400))
def expired_secret_used(made):
    expires_in(made, 60)
    refused_token(made)


@page(with_secret)
def secret_without_expiry(made):
    answer = made["registration"].answer
    del answer["client_secret_expires_at"]
    made["registration"].respond_json(answer)
