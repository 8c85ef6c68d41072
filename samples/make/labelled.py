#!/usr/bin/env python3
"""Takes labelled cases over into samples/labelled/.

    samples/make/labelled.py FOLDER_OF_CAPTURES

Every case is taken, with its label, packet captures, flow files and keys as they are. In HAR files the response bodies of
scripts, style sheets and fonts are emptied: they are large and no HTTP message of the protocol. Their headers and sizes
stay as recorded, so that nothing changes that a reader may count. Nothing else is changed: each file is edited as text,
so that spelling, order and spacing stay those of the recorder.
"""

import json
import re
import sys
import tomllib
from pathlib import Path

OUT = Path(__file__).resolve().parent.parent / "labelled"
# A body that is emptied: a script, style sheet or font of more than this many characters.
LONG = 4096
EMPTIED = re.compile(r"javascript|ecmascript|text/css|font/")


def emptied(text):
    """The HAR text with the long bodies of scripts emptied."""
    recording = json.loads(text)
    for entry in recording["log"]["entries"]:
        content = entry["response"]["content"]
        body = content.get("text", "")
        if len(body) > LONG and EMPTIED.search(content.get("mimeType", "")):
            spellings = [json.dumps(body, ensure_ascii=ascii) for ascii in (False, True)]
            for spelling in spellings + [s.replace("\\u007f", "\u007f") for s in spellings]:
                if spelling in text:
                    text = text.replace(spelling, '""')
                    break
            else:
                raise SystemExit(f"a body is spelled in a way that is not known: {content['mimeType']}")
    return text


def same_but_bodies(before, after):
    """Whether nothing but bodies of scripts was changed."""
    before, after = json.loads(before), json.loads(after)
    for old, new in zip(before["log"]["entries"], after["log"]["entries"], strict=True):
        if old["response"]["content"].get("text") != new["response"]["content"].get("text"):
            assert new["response"]["content"]["text"] == ""
            old["response"]["content"]["text"] = ""
    return before == after


def main():
    source = Path(sys.argv[1])
    for path in sorted(source.glob("*/label.toml")):
        label = tomllib.loads(path.read_text())
        taken = {name for files in label["give"] for name in files} | {name for name in [label.get("keylog")] if name}
        out = OUT / label["id"]
        out.mkdir(parents=True, exist_ok=True)
        (out / "label.toml").write_text(path.read_text())
        for name in sorted(taken):
            octets = (path.parent / name).read_bytes()
            (out / name).write_bytes(without_scripts(octets, name) if name.endswith(".har") else octets)
        print(f"{label['id']}: {', '.join(sorted(taken))}")


def without_scripts(octets, name):
    """The HAR file with the long bodies of scripts emptied."""
    mark = "\ufeff"
    before = octets.decode()
    after = emptied(before.removeprefix(mark))
    assert same_but_bodies(before.removeprefix(mark), after), name
    return ((mark if before.startswith(mark) else "") + after).encode()


if __name__ == "__main__":
    main()
