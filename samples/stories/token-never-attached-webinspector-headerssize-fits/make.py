#!/usr/bin/env python3
"""The recording of `token-never-attached` as a browser's developer tools would export it, with sizes of headers.

On HTTP/1.1 the sizes are those of the headers listed: nothing was removed, so the token was not sent.
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
        step.entry["request"]["headersSize"] = traffic.headers_size(step, "WebInspector")
    traffic.write(HERE / "client.har", made.log())
