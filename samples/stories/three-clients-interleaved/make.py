#!/usr/bin/env python3
"""Three native clients at once behind one mitmproxy: two healthy, one that sends no token.

All are registered beforehand under one client_id. They differ in the name that they give in `initialize`, and in the
port of their callback.
"""

import sys
from datetime import datetime, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "make"))
import traffic  # noqa: E402

START = datetime(2026, 11, 17, 13, 6, 21, 408113, tzinfo=timezone.utc)
CLIENTS = [("atlas-chat", "3.0.2", 50211, 0.0), ("atlas-batch", "0.6.11", 50388, 0.61), ("atlas-ide", "12.1.0", 50574, 1.37)]
BROKEN = "atlas-batch"
HOSTS = {"mcp.acme.test": "mcp.atlas.test", "auth.acme.test": "id.atlas.test", "Acme Notes": "Atlas", "dana": "robin"}
CLIENT_ID = "atlas-desktop-clients"


def client(name, version, port, delay, same_name=None):
    """One client: healthy, or with every call after the login refused for want of a token."""
    made = traffic.native(f"three-clients-interleaved {name}", HOSTS, START)
    made.start = START + traffic.timedelta(seconds=delay)
    made.replace({made["token"].form["client_id"]: CLIENT_ID})
    made.claims(client_id=CLIENT_ID)
    made.drop("registration", "end")
    made.drop_cookies()
    made.replace({"33418": str(port), "notes-desk": same_name or name, "1.8.0": "3.0.2" if same_name else version})
    made["callback"].gap = 3.1 + delay
    if name == BROKEN:
        refused = made["challenge"]
        made.cut_after("token")
        for number in range(6):
            retry = refused.copy()
            retry.send_json({**retry.json, "id": number + 1})
            retry.gap = 0.05 + 0.45 * number
            made.insert(f"retry-{number}", retry, after=list(made.steps)[-1])
        return made
    # The healthy ones go on working while the broken one fails.
    for number in range(8):
        call = made["call"].copy()
        call.send_json({**call.json, "id": number + 3})
        call.respond(call.entry["response"]["content"]["text"].replace('"id":2', f'"id":{number + 3}'))
        call.gap = 0.7 + 0.2 * delay
        made.insert(f"call-{number}", call, after=list(made.steps)[-1])
    return made


def merged(clients):
    """One log of all of them, in the order of time."""
    logs = []
    for made in clients:
        made.fit()
        logs.append(made.log())
    entries = sorted((e for log in logs for e in log["log"]["entries"]), key=lambda entry: entry["startedDateTime"])
    logs[0]["log"]["entries"] = entries
    return logs[0]


if __name__ == "__main__":
    traffic.write(HERE / "proxy.har", merged([client(*known) for known in CLIENTS]))
