"""Authorization extensions, for the recordings beside the rule pages: client credentials, enterprise-managed
authorization, proofs of possession, workload identity."""

import base64
import hashlib
import json

from incidents import MCP, append, document, native, refuse, retry
from rules_token_endpoint import (
    SECRET,
    page,
    refuse_client,
    refuse_request,
    refuse_token,
    registered,
)
from rules_token_use import set_challenge

ISSUER = "https://as.example.com"
ENDPOINT = ISSUER + "/token"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EXTENSION = "io.modelcontextprotocol/oauth-client-credentials"
KEY = {"kty": "EC", "crv": "P-256", "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs", "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"}


def part(value):
    octets = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def jwt(made, head, claims):
    """A token with a signature that nobody can check."""
    return ".".join([part({"alg": "ES256", **head}), part(claims), made.text(86)])


def now(made):
    return int(made.start.timestamp())


def asks_for_itself(made, **form):
    """The client gets its token without a login."""
    made.drop("authorization", "callback")
    empty = {"code": None, "code_verifier": None, "redirect_uri": None}
    made["token"].set_form(**{**empty, "scope": "mcp:tools", **form})
    grants = [*made["as_metadata"].answer["grant_types_supported"], "client_credentials", JWT_BEARER]
    document(made, "as_metadata", grant_types_supported=grants)
    answer = {key: value for key, value in made["token"].answer.items() if key not in ("refresh_token", "id_token")}
    made["token"].respond_json(answer)


# --- client credentials


def machine(seed):
    """A client that acts for itself and authenticates by an assertion."""
    made = native(seed)
    client_id = made["token"].form["client_id"]
    asks_for_itself(made, grant_type="client_credentials")
    claims = {"iss": client_id, "sub": client_id, "aud": ISSUER, "exp": now(made) + 120, "jti": made.uuid()}
    made.claims_of_client = claims
    sign(made)
    declare(made, {EXTENSION: {}})
    return made


def sign(made, **changes):
    assertion = jwt(made, {"typ": "JWT"}, {**made.claims_of_client, **changes})
    made["token"].set_form(client_assertion=assertion, client_assertion_type=ASSERTION_TYPE)


def declare(made, extensions):
    body = made["initialize"].json
    body["params"]["capabilities"] = {"extensions": extensions} if extensions else {}
    made["initialize"].send_json(body)


@page(machine)
def client_credentials_without_authentication(made):
    made["token"].set_form(client_assertion=None, client_assertion_type=None)
    refuse_client(made)


@page(machine)
def client_credentials_method_not_announced(made):
    document(made, "as_metadata", token_endpoint_auth_methods_supported=["client_secret_post", "none"])
    refuse_client(made)


@page(machine)
def client_assertion_for_another_audience(made):
    sign(made, aud=MCP)
    refuse_client(made)


@page(machine)
def client_assertion_of_two_names(made):
    sign(made, iss="https://notes-desk.example.com")
    refuse_client(made)


@page(machine)
def client_assertion_expired(made):
    sign(made, exp=now(made) - 600)
    refuse_client(made)


@page(machine)
def client_credentials_not_declared(made):
    declare(made, None)


# --- enterprise-managed authorization


def enterprise(seed):
    """The client exchanges the ID token of its identity provider for a grant, and that for an access token."""
    made = native(seed)
    exchange = made["token"].copy()
    asks_for_itself(made, grant_type=JWT_BEARER, resource=None, client_secret=SECRET)
    claims = {
        "iss": "https://idp.example.net", "sub": "dana", "aud": ISSUER, "resource": MCP,
        "client_id": made["token"].form["client_id"], "iat": now(made), "exp": now(made) + 300, "jti": made.uuid(),
    }
    made.claims_of_grant = claims
    made.insert("exchange", exchange, after="as_metadata")
    exchange.url = "https://idp.example.net/token"
    exchange.set_form(
        grant_type="urn:ietf:params:oauth:grant-type:token-exchange", code=None, code_verifier=None, redirect_uri=None,
        requested_token_type="urn:ietf:params:oauth:token-type:id-jag", audience=ISSUER, resource=MCP,
        subject_token=made.text(), subject_token_type="urn:ietf:params:oauth:token-type:id_token", client_secret=SECRET,
    )
    grant(made)
    return made


def grant(made, **changes):
    assertion = jwt(made, {"typ": "oauth-id-jag+jwt"}, {**made.claims_of_grant, **changes})
    answer = {"issued_token_type": "urn:ietf:params:oauth:token-type:id-jag", "token_type": "N_A", "expires_in": 300}
    made["exchange"].respond_json({**answer, "access_token": assertion})
    made["token"].set_form(assertion=assertion)


@page(enterprise)
def identity_grant_for_another_audience(made):
    made["exchange"].set_form(audience=MCP)
    grant(made, aud=MCP)
    refuse_token(made)


@page(enterprise)
def identity_grant_for_another_resource(made):
    made["exchange"].set_form(resource=MCP.removesuffix("/mcp"))
    grant(made, resource=MCP.removesuffix("/mcp"))
    refuse_token(made)
    made["token"].respond_json({"error": "invalid_target", "error_description": "resource not recognised"})


@page(enterprise)
def identity_grant_without_authentication(made):
    made["token"].set_form(client_secret=None)
    refuse_client(made)


@page(enterprise)
def identity_grant_used_twice(made):
    again = append(made, "token_again", made["token"].copy())
    again.gap = 3600
    last = {name: step for name, step in made.steps.items() if name != "token_again"}
    made.steps = {**last, "token_again": again}
    kept = made["token"].copy()
    refuse_token(made)
    again.answer_like(made["token"])
    made["token"].answer_like(kept)
    append(made, "token_again", again)


@page(enterprise)
def identity_grant_of_another_audience_taken(made):
    grant(made, aud="https://other.example.net")


@page(enterprise)
def token_not_for_granted_resource(made):
    made.claims(aud=made["token"].form["client_id"])
    refuse(made, "initialize")
    retry(made, "initialize")


# --- proofs of possession


def bound(seed):
    """A client whose token is bound to its key."""
    made = native(seed)
    thumbprint = part(hashlib.sha256(json.dumps(dict(sorted(KEY.items())), separators=(",", ":")).encode()).digest())
    made.claims(cnf={"jkt": thumbprint})
    made["token"].respond_json({**made["token"].answer, "token_type": "DPoP"})
    made["token"].set_header("dpop", proof(made, made["token"], ENDPOINT))
    made.drop("initialized", "list", "call")
    hashed = part(hashlib.sha256(made.token.encode()).digest())
    made["initialize"].set_header("authorization", "DPoP " + made.token)
    made["initialize"].set_header("dpop", proof(made, made["initialize"], MCP, ath=hashed))
    return made


def proof(made, step, url, **changes):
    claims = {"jti": made.text(22), "htm": step.method, "htu": url, "iat": now(made) + 4, **changes}
    return jwt(made, {"typ": "dpop+jwt", "jwk": KEY}, claims)


def refuse_proof(made, scheme="DPoP"):
    refuse(made, "initialize")
    value = f'{scheme} error="invalid_dpop_proof", error_description="Invalid proof of possession", algs="ES256"'
    set_challenge(made["initialize"], value)
    retry(made, "initialize")


@page(bound)
def proof_absent(made):
    made["initialize"].set_header("dpop", None)
    refuse_proof(made)


@page(bound)
def proof_for_another_method(made):
    made["initialize"].set_header("dpop", proof(made, made["resource_metadata"], MCP))
    refuse_proof(made)


@page(bound)
def proof_for_another_url(made):
    made["initialize"].set_header("dpop", proof(made, made["initialize"], ENDPOINT))
    refuse_proof(made)


@page(bound)
def proof_for_another_token(made):
    made["initialize"].set_header("dpop", proof(made, made["initialize"], MCP, ath=made.text()))
    refuse_proof(made)


def stale_proof_refused(made):
    made["initialize"].set_header("dpop", proof(made, made["initialize"], MCP, iat=now(made) - 7200))
    refuse_proof(made)


@page(bound, ok=stale_proof_refused)
def stale_proof_accepted(made):
    made["initialize"].set_header("dpop", proof(made, made["initialize"], MCP, iat=now(made) - 7200))


@page(bound, ok=stale_proof_refused)
def proof_refused_without_dpop_challenge(made):
    stale_proof_refused(made)
    for step in list(made.steps.values())[-2:]:
        set_challenge(step, 'Bearer error="invalid_dpop_proof", error_description="Invalid proof of possession"')


@page(bound)
def proof_algorithms_not_announced(made):
    answer = {k: v for k, v in made["as_metadata"].answer.items() if k != "dpop_signing_alg_values_supported"}
    made["as_metadata"].respond_json(answer)


def registered_bound(seed):
    made = registered(seed)
    made["registration"].send_json({**made["registration"].json, "dpop_bound_access_tokens": True})
    made["registration"].respond_json({**made["registration"].answer, "dpop_bound_access_tokens": True})
    return made


@page(registered_bound, ok=lambda made: made["token"].respond_json({**made["token"].answer, "token_type": "DPoP"}))
def bound_client_given_bearer_token(made):
    refuse(made, "initialize")
    retry(made, "initialize")


# --- workload identity


def workload(seed):
    """A workload that presents the token of its platform."""
    made = native(seed)
    asks_for_itself(made, grant_type=JWT_BEARER, client_id=None, resource=MCP)
    made.claims_of_platform = {
        "iss": "https://platform.example.net", "sub": "system:serviceaccount:notes:desk", "aud": ENDPOINT,
        "iat": now(made), "exp": now(made) + 600, "jti": made.uuid(),
    }
    present(made)
    return made


def present(made, **changes):
    made["token"].set_form(assertion=jwt(made, {"typ": "JWT"}, {**made.claims_of_platform, **changes}))


@page(workload)
def workload_grant_without_resource(made):
    made["token"].set_form(resource=None)
    refuse_request(made)


@page(workload)
def workload_assertion_for_another_audience(made):
    present(made, aud="https://kubernetes.default.svc")
    refuse_token(made)


@page(workload)
def workload_assertion_expired(made):
    present(made, exp=now(made) - 600)
    refuse_token(made)


@page(workload)
def workload_grant_not_announced(made):
    document(made, "as_metadata", grant_types_supported=["authorization_code", "refresh_token"])
    refuse_token(made)
    made["token"].respond_json({"error": "unsupported_grant_type", "error_description": "unsupported grant_type requested"})
