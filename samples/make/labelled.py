#!/usr/bin/env python3
"""Takes labelled cases over into samples/labelled/.

    samples/make/labelled.py FOLDER_OF_CAPTURES

A case is taken if one of its lists of files is made of HAR and flow files alone; only those files are taken, and the
label is cut down to them. Response bodies of scripts, style sheets and fonts are emptied: they are large and no HTTP message of
the protocol. Their headers and sizes stay as recorded, so that nothing changes that a reader may count. Nothing else
is changed: each file is edited as text, so that spelling, order and spacing stay those of the recorder.
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


def label_for(text, label, taken):
    """The label, cut down to the files that are taken."""
    lists = [(files, expect) for files, expect in zip(label["give"], label["expect"], strict=True) if set(files) <= taken]
    text = re.sub(r"^give = .*$", "give = " + json.dumps([files for files, _ in lists])
                  + "   # each list is handed over together", text, flags=re.M)
    text = re.sub(r"^expect = .*$", "expect = " + json.dumps([expect for _, expect in lists])
                  + "   # outcome for each list of give", text, flags=re.M)
    head, *tables = re.split(r"(?m)^(?=\[\[(?:file|evidence)\]\]$)", text)
    kept = [t for t in tables if re.search(r'(?m)^(?:name|file) = "(.*)"$', t).group(1) in taken]
    return (head + "".join(kept)).rstrip("\n") + "\n"


def main():
    source = Path(sys.argv[1])
    for path in sorted(source.glob("*/label.toml")):
        text = path.read_text()
        label = tomllib.loads(text)
        lists = [files for files in label["give"] if all(name.endswith((".har", ".flow")) for name in files)]
        if not lists:
            continue
        taken = {name for files in lists for name in files}
        out = OUT / label["id"]
        out.mkdir(parents=True, exist_ok=True)
        (out / "label.toml").write_text(label_for(text, label, taken))
        for name in sorted(taken):
            if name.endswith(".flow"):
                (out / name).write_bytes((path.parent / name).read_bytes())
                continue
            before = (path.parent / name).read_bytes().decode()
            after = emptied(before.removeprefix("\ufeff"))
            if before.startswith("\ufeff"):
                after = "\ufeff" + after
            assert same_but_bodies(before.removeprefix("\ufeff"), after.removeprefix("\ufeff")), name
            (out / name).write_bytes(after.encode())
        print(f"{label['id']}: {', '.join(sorted(taken))}")


if __name__ == "__main__":
    main()
