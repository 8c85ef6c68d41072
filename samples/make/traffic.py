"""Incidents derived from the labelled recordings: cut to the steps that matter, with fresh values and other names.

Every message comes from a recording in `samples/labelled/`. A script takes an incident, changes one thing, and writes
it. Nothing here draws from a clock or from the machine: the same script writes the same octets.

Python 3 alone is needed.
"""

import base64
import copy
import hashlib
import json
import random
import re
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

LABELLED = Path(__file__).resolve().parent.parent / "labelled"
URLSAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

# The steps of an incident and the entries that they are taken from; of a pair, the second has the body that the first
# lost. `resume` is the request by which the browser comes back from the login page to the authorization endpoint.
NATIVE = ("clean-2025-11-25-mitmproxy", "session.har", {
    "challenge": 0, "resource_metadata": 1, "as_metadata": 2, "registration": 3, "authorization": 4,
    "resume": 11, "callback": 12, "token": 16, "initialize": 17, "initialized": 18, "stream": 21, "list": 19, "call": 20, "end": 22,
})
BROWSER = ("clean-2025-11-25-har", "browser.har", {
    "page": 0, "challenge": 2, "challenge_preflight": 3, "resource_metadata": (4, 22),
    "resource_metadata_preflight": 5, "as_metadata": (6, 23), "as_metadata_preflight": 7, "registration": 8,
    "registration_preflight": 9, "authorization": 10, "resume": 19, "callback": 20, "token": 24, "initialize": 25,
    "initialize_preflight": 26, "initialized": 27, "initialized_preflight": 28, "list": 30, "call": 31,
})
STATELESS = ("clean-2026-07-28-har", "browser.har", {
    "page": 0, "challenge": 2, "challenge_preflight": 3, "resource_metadata": (4, 22),
    "resource_metadata_preflight": 5, "as_metadata": (6, 23), "as_metadata_preflight": 7, "registration": 8,
    "registration_preflight": 9, "authorization": 10, "resume": 19, "callback": 20, "token": 24, "initialize": 25,
    "initialize_preflight": 26, "list": 27, "call": 28, "call_preflight": 29,
})


class Step:
    """One entry of a HAR file."""

    def __init__(self, entry):
        self.entry = entry
        # Seconds since the step before; None for the usual.
        self.gap = None
        # Seconds by which the clock of who answers is ahead.
        self.ahead = 0

    def copy(self):
        return copy.deepcopy(self)

    # --- the request

    @property
    def method(self):
        return self.entry["request"]["method"]

    @property
    def url(self):
        return self.entry["request"]["url"]

    @url.setter
    def url(self, url):
        self.entry["request"]["url"] = url
        # Chromium lists the values of a query as they stand in the URL, mitmproxy decoded.
        encoded = any("%" in item["value"] for item in self.entry["request"]["queryString"])
        pairs = [pair.partition("=")[::2] for pair in urlsplit(url).query.split("&") if pair]
        decode = (lambda text: text) if encoded else (lambda text: parse_qsl("x=" + text)[0][1] if text else "")
        self.entry["request"]["queryString"] = [{"name": name, "value": decode(value)} for name, value in pairs]
        host = urlsplit(url).netloc
        for header in self.entry["request"]["headers"]:
            if header["name"].lower() == "host":
                header["value"] = host

    @property
    def query(self):
        return dict(parse_qsl(urlsplit(self.url).query))

    def set_query(self, **changes):
        """Sets parameters of the query; None removes one, a list repeats one."""
        self.url = _with_query(self.url, changes)

    @property
    def form(self):
        return dict(parse_qsl(self.entry["request"]["postData"]["text"]))

    def set_form(self, **changes):
        """Sets fields of a form; None removes one, a list repeats one."""
        pairs = _changed(parse_qsl(self.entry["request"]["postData"]["text"]), changes)
        self.send(urlencode(pairs))
        if "params" in self.entry["request"]["postData"]:
            self.entry["request"]["postData"]["params"] = [{"name": name, "value": value} for name, value in pairs]

    @property
    def json(self):
        return json.loads(self.entry["request"]["postData"]["text"])

    def send(self, text):
        self.entry["request"]["postData"]["text"] = text
        self.entry["request"]["bodySize"] = len(text.encode())
        self.set_header("content-length", str(len(text.encode())))

    def send_json(self, value):
        self.send(json.dumps(value, separators=(",", ":")))

    def header(self, name, side="request"):
        for header in self.entry[side]["headers"]:
            if header["name"].lower() == name.lower():
                return header["value"]
        return None

    def set_header(self, name, value, side="request"):
        """Sets a header; None removes it."""
        headers = self.entry[side]["headers"]
        for header in headers:
            if header["name"].lower() == name.lower():
                if value is None:
                    headers.remove(header)
                else:
                    header["value"] = value
                return
        if value is not None:
            headers.append({"name": name, "value": value})

    # --- the answer

    @property
    def status(self):
        return self.entry["response"]["status"]

    @property
    def answer(self):
        return json.loads(self.entry["response"]["content"]["text"])

    def respond(self, text):
        content = self.entry["response"]["content"]
        content["text"] = text
        content["size"] = len(text.encode())
        self.entry["response"]["bodySize"] = len(text.encode())
        if self.header("content-length", "response") is not None:
            self.set_header("content-length", str(len(text.encode())), "response")
        if "_transferSize" in self.entry["response"]:
            self.entry["response"]["_transferSize"] = len(text.encode()) + self.entry["response"]["headersSize"]

    def respond_json(self, value):
        self.respond(json.dumps(value, separators=(",", ":")))

    def answer_like(self, other):
        """Takes the whole answer of another step."""
        self.entry["response"] = copy.deepcopy(other.entry["response"])

    def set_status(self, status, text):
        self.entry["response"]["status"] = status
        self.entry["response"]["statusText"] = text

    def redirect_to(self, url):
        self.set_header("location", url, "response")
        self.entry["response"]["redirectURL"] = url if self.entry["response"]["redirectURL"] else ""

    def block(self, error):
        """The browser sent nothing, or showed the page nothing: status 0."""
        self.entry["response"] = {
            "status": 0, "statusText": "", "httpVersion": "", "headers": [], "cookies": [],
            "content": {"size": 0, "mimeType": "x-unknown"}, "redirectURL": "", "headersSize": -1, "bodySize": -1,
            "_transferSize": 0, "_error": error, "_fetchedViaServiceWorker": False,
        }

    def unreadable(self, error):
        """The answer came, and the browser kept it from the page (no permission for its origin)."""
        self.entry["response"]["_error"] = error
        self.entry["response"]["content"].pop("text", None)


class Incident:
    """The steps of one client, by name and in order, and the recorder that wrote them."""

    def __init__(self, source, seed, hosts, start, direct):
        case, file, places = source
        self.rng = random.Random(seed)
        self.start = start
        log = json.loads((LABELLED / case / file).read_text(encoding="utf-8"))["log"]
        self.creator = log["creator"]
        self.pages = log.get("pages", [])
        self.steps = {}
        for name, place in places.items():
            first, body = place if isinstance(place, tuple) else (place, place)
            step = Step(copy.deepcopy(log["entries"][first]))
            if body != first:
                step.respond(log["entries"][body]["response"]["content"]["text"])
            step.entry.pop("_initiator", None)
            self.steps[name] = step
        if direct:
            # As a server answers that has a live login: without a page in between.
            self["authorization"].answer_like(self["resume"])
            self.drop("resume")
        # Cookies of a login page that was cut out would come from nowhere.
        self.drop_cookies(keep=["authorization", "resume"])
        self._renew(hosts)

    def __getitem__(self, name):
        return self.steps[name]

    def drop(self, *names):
        for name in names:
            self.steps.pop(name, None)
            self.steps.pop(name + "_preflight", None)

    def cut_after(self, name):
        """Drops every step after this one."""
        names = list(self.steps)
        for later in names[names.index(name) + 1:]:
            if later != name + "_preflight":
                self.steps.pop(later)

    def insert(self, name, step, after):
        """Puts a step after another one."""
        items = list(self.steps.items())
        at = [key for key, _ in items].index(after) + 1
        self.steps = dict(items[:at] + [(name, step)] + items[at:])
        return step

    # --- fresh values

    def text(self, length=43):
        return "".join(self.rng.choice(URLSAFE) for _ in range(length))

    def uuid(self):
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def pkce(self):
        verifier = self.text()
        return verifier, s256(verifier)

    def session_id(self):
        return self["initialize"].header("mcp-session-id", "response")

    @property
    def token(self):
        return self["token"].answer["access_token"]

    def replace(self, mapping):
        """Replaces values wherever they stand, as they are and percent-encoded."""
        pairs = []
        for old, new in mapping.items():
            spellings = {old: new, quote(old, safe=""): quote(new, safe="")}
            spellings[quote(old, safe="").replace("~", "%7E")] = quote(new, safe="")
            pairs += spellings.items()
        pairs.sort(key=lambda pair: -len(pair[0]))
        for step in self.steps.values():
            step.entry = _replaced(step.entry, pairs)
        self.pages = _replaced(self.pages, pairs)

    def claims(self, **changes):
        """Changes claims of the access token wherever it stands; None removes one."""
        self.replace({self.token: self.reissued(self.token, **changes)})

    def reissued(self, token, **changes):
        """The token with other claims and a new signature."""
        head, payload, signature = token.split(".")
        claims = json.loads(_unbase64(payload))
        claims = {**claims, **changes}
        claims = {name: value for name, value in claims.items() if value is not None}
        payload = _base64(json.dumps(claims, separators=(",", ":")).encode())
        return ".".join([head, payload, self.text(len(signature))])

    def drop_cookies(self, keep=()):
        """Removes every cookie, those of the named steps' answers apart."""
        for name, step in self.steps.items():
            for side in ("request", "response"):
                if side == "response" and name in keep:
                    continue
                step.entry[side]["cookies"] = []
                headers = step.entry[side]["headers"]
                headers[:] = [h for h in headers if h["name"].lower() not in ("cookie", "set-cookie")]

    def _renew(self, hosts):
        """Gives every value that was minted a fresh one, and the hosts other names."""
        mapping = dict(hosts)
        query, form = self["authorization"].query, self["token"].form
        verifier, challenge = self.pkce()
        mapping |= {form["code_verifier"]: verifier, query["code_challenge"]: challenge}
        mapping |= {query["state"]: self.uuid(), form["code"]: self.text(), form["client_id"]: self.text()}
        if "initialize" in self.steps and self.session_id():
            mapping[self.session_id()] = self.uuid()
        if "registration" in self.steps and self["registration"].entry["response"]["content"].get("text"):
            mapping[self["registration"].answer["registration_access_token"]] = self.text()
        answer = self["token"].answer
        old_claims = json.loads(_unbase64(answer["access_token"].split(".")[1]))
        mapping[old_claims["jti"]] = self.text()
        if "refresh_token" in answer:
            mapping[answer["refresh_token"]] = self.text()
        old_token = answer["access_token"]
        claims = {name: _replaced(value, list(mapping.items())) for name, value in old_claims.items()}
        issued = int(self.start.timestamp()) + 3
        claims |= {"iat": issued, "exp": issued + old_claims["exp"] - old_claims["iat"]}
        mapping[old_token] = self.reissued(old_token, **claims)
        self.replace(mapping)
        if "registration" in self.steps:
            self._answer_registration(issued)

    def _answer_registration(self, issued):
        """Chromium drops bodies of a page that was left: the answer is put back as the server writes it."""
        step = self["registration"]
        if step.entry["response"]["content"].get("text"):
            step.respond_json({**step.answer, "client_id_issued_at": issued - 3})
            return
        asked = step.json
        step.respond_json({
            **asked, "id_token_signed_response_alg": "RS256", "require_auth_time": False, "subject_type": "public",
            "post_logout_redirect_uris": [], "client_id_issued_at": issued - 3,
            "client_id": self["authorization"].query["client_id"],
        })

    # --- writing

    def fit(self):
        """Makes lengths, sizes and times agree with what stands in the steps."""
        now = self.start
        for name, step in self.steps.items():
            gap = step.gap
            if gap is None:
                # A person signs in before the browser comes back.
                person = name == ("resume" if "resume" in self.steps else "callback")
                gap = 2 + self.rng.random() * 4 if person else 0.02 + self.rng.random() * 0.08
                gap = 0.001 if name.endswith("_preflight") else gap
            now += timedelta(seconds=gap)
            self._stamp(step, now)
            _fit_sizes(step, self.creator["name"])
        for page in self.pages:
            first = [s.entry["startedDateTime"] for s in self.steps.values() if s.entry.get("pageref") == page["id"]]
            page["startedDateTime"] = min(first, default="")
        self.pages = [page for page in self.pages if page["startedDateTime"]]

    def _stamp(self, step, now):
        stamp = now.isoformat(timespec="microseconds")
        if self.creator["name"] == "WebInspector":
            stamp = now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03}Z"
        step.entry["startedDateTime"] = stamp
        if step.header("date", "response"):
            theirs = now + timedelta(seconds=step.ahead)
            step.set_header("date", theirs.strftime("%a, %d %b %Y %H:%M:%S GMT"), "response")

    def log(self):
        entries = [step.entry for step in self.steps.values()]
        return {"log": {"version": "1.2", "creator": self.creator, "pages": self.pages, "entries": entries}}

    def write(self, path):
        self.fit()
        write(path, self.log())


def native(seed, hosts=None, start=None, direct=True):
    """A native client through mitmproxy."""
    return Incident(NATIVE, seed, hosts or {}, start or _start(seed), direct)


def browser(seed, hosts=None, start=None, direct=True):
    """A client in a page, exported by Chromium with sensitive data."""
    return Incident(BROWSER, seed, hosts or {}, start or _start(seed), direct)


def stateless(seed, hosts=None, start=None, direct=True):
    """A client in a page under the stateless revision, exported by Chromium with sensitive data."""
    return Incident(STATELESS, seed, hosts or {}, start or _start(seed), direct)


def without_library_headers(steps):
    """Takes away the header fields that only the HTTP library of a client adds."""
    for step in steps:
        for name in ("accept-language", "accept-encoding", "sec-fetch-mode", "connection"):
            step.set_header(name, None)


def as_of_2025_03_26(made):
    """The session under the revision that has no version header."""
    made.replace({"2025-11-25": "2025-03-26"})
    for step in made.steps.values():
        step.set_header("mcp-protocol-version", None)
    return made


def write(path, log):
    """Writes a log, one line an entry."""
    log = log["log"]
    entries = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in log["entries"])
    head = json.dumps({name: value for name, value in log.items() if name != "entries"}, ensure_ascii=False)
    Path(path).write_text('{"log": ' + head[:-1] + ', "entries": [\n' + entries + "\n]}}\n", encoding="utf-8")


def recorded(case, file, index):
    """One entry of a labelled recording as it stands."""
    log = json.loads((LABELLED / case / file).read_text(encoding="utf-8"))["log"]
    return Step(log["entries"][index])


def s256(verifier):
    """RFC 7636, 4.2."""
    return _base64(hashlib.sha256(verifier.encode()).digest())


def headers_size(step, creator):
    """The size that this recorder writes for the request headers of HTTP/1.1."""
    headers = step.entry["request"]["headers"]
    if creator == "mitmproxy":
        # mitmproxy writes the length of the Python text of the list.
        return len("Headers" + str([(h["name"].encode(), h["value"].encode()) for h in headers]))
    url = urlsplit(step.url)
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    line = f"{step.method} {target} HTTP/1.1\r\n"
    return len(line) + sum(len(h["name"]) + len(h["value"]) + 4 for h in headers)


def _fit_sizes(step, creator):
    text = step.entry["request"].get("postData", {}).get("text")
    if text is not None:
        step.send(text)
    text = step.entry["response"]["content"].get("text")
    if text is not None:
        step.respond(text)
    if step.entry["request"]["headersSize"] >= 0:
        step.entry["request"]["headersSize"] = headers_size(step, creator)
    if creator == "mitmproxy":
        headers = step.entry["response"]["headers"]
        step.entry["response"]["headersSize"] = len(
            "Headers" + str([(h["name"].encode(), h["value"].encode()) for h in headers]))
    tag = step.header("etag", "response")
    if tag and text is not None:
        digest = base64.b64encode(hashlib.sha1(text.encode()).digest()).decode().rstrip("=")
        step.set_header("etag", f'W/"{len(text.encode()):x}-{digest}"', "response")


def _with_query(url, changes):
    parts = urlsplit(url)
    pairs = _changed(parse_qsl(parts.query, keep_blank_values=True), changes)
    return urlunsplit(parts._replace(query=urlencode(pairs)))


def _changed(pairs, changes):
    changes = dict(changes)
    result = []
    for name, value in pairs:
        if name not in changes:
            result.append((name, value))
        elif name in changes:
            result += _repeated(name, changes.pop(name))
    for name, value in changes.items():
        result += _repeated(name, value)
    return result


def _repeated(name, value):
    if value is None:
        return []
    return [(name, item) for item in (value if isinstance(value, list) else [value])]


def _replaced(value, pairs):
    if isinstance(value, str):
        if not pairs:
            return value
        table = dict(pairs)
        return re.sub("|".join(re.escape(old) for old, _ in pairs), lambda found: table[found.group(0)], value)
    if isinstance(value, list):
        return [_replaced(item, pairs) for item in value]
    if isinstance(value, dict):
        return {name: _replaced(item, pairs) for name, item in value.items()}
    return value


def _start(seed):
    """A moment in working hours that depends on the seed alone."""
    rng = random.Random("start " + str(seed))
    return datetime(2026, 11, 2, 8, tzinfo=timezone.utc) + timedelta(seconds=rng.randrange(20 * 86400))


def _base64(octets):
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def _unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
