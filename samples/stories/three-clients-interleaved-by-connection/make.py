#!/usr/bin/env python3
"""The three clients of `three-clients-interleaved`, all with one name: only the connection tells them apart.

The recorder is a forward proxy for plain http. A client keeps one connection to it, whatever host it asks; the browser
has another. The `connection` of an entry is the port of the client at the proxy.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "make"), str(HERE.parent / "three-clients-interleaved")]
import make as story  # noqa: E402
import traffic  # noqa: E402

BROWSER = "40112"
IN_THE_BROWSER = ("authorization", "callback")


def client(name, version, port, delay):
    made = story.client(name, version, port, delay, same_name="atlas-desktop")
    made.replace({f"https://{host}": f"http://{host}" for host in ("mcp.atlas.test", "id.atlas.test")})
    made.claims(iss="http://id.atlas.test", aud="http://mcp.atlas.test/mcp")
    for step_name, step in made.steps.items():
        step.entry["connection"] = BROWSER if step_name in IN_THE_BROWSER else str(port - 9000)
    return made


if __name__ == "__main__":
    log = story.merged([client(*known) for known in story.CLIENTS])
    log["log"]["creator"] = {"name": "forward-proxy", "version": "4.2"}
    for entry in log["log"]["entries"]:
        for side in ("request", "response"):
            entry[side]["headersSize"] = -1
    traffic.write(HERE / "proxy.har", log)
