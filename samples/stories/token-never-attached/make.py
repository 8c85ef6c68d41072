#!/usr/bin/env python3
"""A native client that signs in and then sends no token: fourteen calls, all refused, seen by mitmproxy."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "make"))
import traffic  # noqa: E402

HOSTS = {"mcp.acme.test": "notes.birch.test", "auth.acme.test": "login.birch.test", "Acme Notes": "Birch Notes"}


def incident():
    """The whole login, then fourteen calls without a token."""
    made = traffic.native("token-never-attached", HOSTS)
    made.drop("registration")
    made.drop_cookies()
    made.replace({"33418": "49152", "notes-desk": "birch-cli", "1.8.0": "2.4.1"})
    refused = made["challenge"]
    calls = [made[name].json for name in ("initialize", "list", "call")]
    made.cut_after("token")
    last = "token"
    for number in range(14):
        call = refused.copy()
        # What the client still had to do, again and again; every call begins anew since none was accepted.
        body = dict(calls[0] if number % 3 == 0 else calls[1 + number % 2])
        call.send_json({**body, "id": number + 1})
        call.gap = [0.03, 0.4, 1.1, 2.2][number % 4]
        last = f"call-{number}"
        made.insert(last, call, after=list(made.steps)[-1])
    return made


if __name__ == "__main__":
    incident().write(HERE / "client.har")
