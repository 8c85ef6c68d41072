"""Discovery: challenges, resource metadata, server metadata, for the recordings beside the rule pages."""

from incidents import document, not_found, refuse, without_pointer
from short import error_page, login, missing, of, page, registers, stops_after, without

TENANT = "https://as.example.com/tenant-7"
OAUTH = "https://as.example.com/.well-known/oauth-authorization-server"
OIDC = "https://as.example.com/.well-known/openid-configuration"
RESOURCE = "https://mcp.example.com/.well-known/oauth-protected-resource"
FIRST = of("2025-03-26", login)


def challenged(seed):
    made = login(seed)
    made.cut_after("challenge")
    return made


# --- challenge


@page(login, ok=lambda made: stops_after(made, "resource_metadata"))
def challenge_with_another_status(made):
    made["challenge"].set_status(403, "Forbidden")
    stops_after(made, "challenge")


@page(login, ok=lambda made: stops_after(made, "resource_metadata"))
def challenge_of_another_scheme(made):
    made["challenge"].set_header("www-authenticate", 'Basic realm="internal"', "response")
    stops_after(made, "challenge")


def page_of_nginx(step, status):
    """The answer with the built-in page of nginx 1.22."""
    step.set_header("content-type", "text/html", "response")
    step.entry["response"]["content"]["mimeType"] = "text/html"
    step.respond(
        f"<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status}</h1></center>\r\n"
        "<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n"
    )


def of_nginx(made):
    page_of_nginx(made["challenge"], "401 Authorization Required")
    stops_after(made, "challenge")


def blocked(made, name, status=403, text="Forbidden"):
    made[name].set_status(status, text)
    page_of_nginx(made[name], f"{status} {text}")
    stops_after(made, name)


@page(login, ok=of_nginx)
def challenge_written_by_edge(made):
    made["challenge"].set_header("www-authenticate", 'Basic realm="staff"', "response")
    of_nginx(made)


# --- resource-metadata


def unknown_to_edge(name):
    """The proxy has no such place, or the server behind it has none."""
    return lambda made: blocked(made, name, 404, "Not Found")


@page(login, ok=unknown_to_edge("resource_metadata"))
def metadata_blocked_by_edge(made):
    blocked(made, "resource_metadata")


@page(login)
def authorization_server_not_listed(made):
    document(made, "resource_metadata", authorization_servers=["https://login.example.com"])
    refuse(made, "initialize")


@page(login, ok=lambda made: stops_after(made, "resource_metadata"))
def authorization_servers_absent(made):
    without(made, "resource_metadata", "authorization_servers")
    stops_after(made, "resource_metadata")


@page(login, ok=lambda made: stops_after(made, "resource_metadata"))
def pointer_not_used(made):
    made["resource_metadata"].url = RESOURCE
    missing(made, "resource_metadata")


def guesses(made):
    without_pointer(made)
    stops_after(made, "resource_metadata")


@page(login, ok=guesses)
def well_known_places_out_of_order(made):
    without_pointer(made)
    made["resource_metadata"].url = RESOURCE
    missing(made, "resource_metadata")


@page(login)
def metadata_of_another_origin_used(made):
    document(made, "resource_metadata", resource="http://mcp-a.internal:8081/mcp")


def second_probe_at(made, url):
    """Without a pointer, the client finds nothing at the place with the path, and the metadata at this one."""
    without_pointer(made)
    not_found(made.insert("first_probe", made["resource_metadata"].copy(), after="challenge"))
    made["resource_metadata"].url = url


@page(login, ok=lambda made: second_probe_at(made, RESOURCE))
def metadata_only_at_appended_place(made):
    second_probe_at(made, "https://mcp.example.com/mcp/.well-known/oauth-protected-resource")


@page(login)
def resource_metadata_of_another_media_type(made):
    made["resource_metadata"].set_header("content-type", "text/plain", "response")
    made["resource_metadata"].entry["response"]["content"]["mimeType"] = "text/plain"


@page(login)
def metadata_member_empty(made):
    document(made, "resource_metadata", scopes_supported=[])


def challenged_anew(seed):
    """The client comes with a token of an earlier login, and the server wants another one."""
    made = login(seed)
    earlier = made.insert("earlier", made["initialize"].copy(), after="challenge")
    earlier.set_header("authorization", "Bearer " + made.reissued(made.token, iat=1760000000, exp=1760003600))
    earlier.answer_like(made["challenge"])
    earlier.set_header(
        "www-authenticate",
        made["challenge"].header("www-authenticate", "response").replace("Missing Authorization header", "Token has expired"),
        "response",
    )
    earlier.respond_json({"error": "invalid_token", "error_description": "Token has expired"})
    made.drop("challenge")
    return made


@page(challenged_anew)
def metadata_not_fetched_again(made):
    made.drop("resource_metadata")


# --- as-metadata


@page(login, ok=unknown_to_edge("as_metadata"))
def as_metadata_blocked_by_edge(made):
    blocked(made, "as_metadata")


def second_place(made):
    first = made.insert("first_probe", made["as_metadata"].copy(), after="resource_metadata")
    not_found(first)
    made["as_metadata"].url = OIDC


@page(of("2025-06-18", login))
def oauth_metadata_absent(made):
    second_place(made)


def asks_below_too(made):
    """The client reads the metadata at the root, and once more at the place with the path of the endpoint."""
    below = made.insert("second_probe", made["as_metadata"].copy(), after="as_metadata")
    below.url += "/mcp"


@page(FIRST, ok=asks_below_too)
def server_metadata_not_at_root(made):
    first = made.insert("first_probe", made["as_metadata"].copy(), after="challenge")
    not_found(first)
    made["as_metadata"].url = made["as_metadata"].url + "/mcp"


def of_a_tenant(made, url):
    document(made, "resource_metadata", authorization_servers=[TENANT])
    document(made, "as_metadata", issuer=TENANT)
    made["as_metadata"].url = url


@page(login, ok=lambda made: of_a_tenant(made, OAUTH + "/tenant-7"))
def issuer_probes_out_of_order(made):
    of_a_tenant(made, OIDC + "/tenant-7")


@page(login)
def root_issuer_probes_out_of_order(made):
    made["as_metadata"].url = OIDC


def neither_place(made):
    second_place(made)
    missing(made, "as_metadata")


@page(login, ok=neither_place)
def openid_configuration_not_tried(made):
    missing(made, "as_metadata")


@page(login)
def mismatched_metadata_used(made):
    document(made, "as_metadata", issuer="http://as.internal:9000")


def incomplete(made, member):
    without(made, "as_metadata", member)
    stops_after(made, "as_metadata")


def reads_metadata(made):
    stops_after(made, "as_metadata")


@page(login, ok=reads_metadata)
def metadata_without_issuer(made):
    incomplete(made, "issuer")


@page(login, ok=reads_metadata)
def metadata_without_authorization_endpoint(made):
    incomplete(made, "authorization_endpoint")


@page(login, ok=reads_metadata)
def metadata_without_token_endpoint(made):
    incomplete(made, "token_endpoint")


@page(login, ok=reads_metadata)
def metadata_without_response_types(made):
    incomplete(made, "response_types_supported")


# --- the first revision


@page(FIRST)
def metadata_asked_below_endpoint_path(made):
    made["as_metadata"].url = made["as_metadata"].url + "/mcp"


@page(of("2025-03-26", registers))
def default_paths_without_asking(made):
    made.drop("as_metadata")


def without_metadata(made):
    not_found(made["as_metadata"])


@page(FIRST, ok=without_metadata)
def other_path_than_default(made):
    without_metadata(made)
    made["authorization"].url = made["authorization"].url.replace("/authorize", "/mcp/authorize")
    error_page(made, "not found", 404, "Not Found")


@page(FIRST, ok=without_metadata)
def default_authorization_path_missing(made):
    without_metadata(made)
    error_page(made, "not found", 404, "Not Found")


@page(FIRST)
def version_not_sent_with_metadata_request(made):
    made["as_metadata"].set_header("mcp-protocol-version", None)
