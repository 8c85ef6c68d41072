#!/usr/bin/env python3
"""The recording of `token-never-attached` as a browser's developer tools would export it without sizes of headers.

Such an export may have removed `Authorization`: nothing in it shows that the token was not sent.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "make"), str(HERE.parent / "token-never-attached")]
import make as story  # noqa: E402
import traffic  # noqa: E402

if __name__ == "__main__":
    made = story.incident()
    made.fit()
    made.creator = {"name": "WebInspector", "version": "537.36"}
    for step in made.steps.values():
        for side in ("request", "response"):
            step.entry[side]["headersSize"] = -1
    traffic.write(HERE / "client.har", made.log())
