#!/usr/bin/env python3
"""Writes the transcripts of samples/formats/curl and samples/formats/httpie, and the logs of samples/formats/chromium-netlog
that are not of another origin, with the tools themselves.

    samples/make/transcripts/make.py OUT

Needs node, curl, openssl, and httpie and chromium on the path (`pip install httpie`; left out where they are missing). What is read from
a terminal is read from a pseudo-terminal, so that it stands where a person sees it.
"""

import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLAIN, SECURE = 48751, 48752
INITIALIZE = ('{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",'
              '"capabilities":{},"clientInfo":{"name":"curl","version":"1"}}}')


def steps(origin):
    """The arguments of curl, one list a request."""
    mcp = ["-H", "Content-Type: application/json", "-H", "Accept: application/json, text/event-stream"]
    return [
        [f"{origin}/mcp", *mcp, "-d", INITIALIZE],
        [f"{origin}/.well-known/oauth-protected-resource/mcp"],
        [f"{origin}/.well-known/oauth-authorization-server"],
        [f"{origin}/authorize?response_type=code&client_id=curl-1&state=st-1&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URW"
         f"buGJSstw-cM&code_challenge_method=S256&redirect_uri=http%3A%2F%2Flocalhost%3A33418%2Fcallback"],
        [f"{origin}/token", "-d", "grant_type=authorization_code&code=c-1&client_id=curl-1"
         "&redirect_uri=http%3A%2F%2Flocalhost%3A33418%2Fcallback"
         "&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"],
        [f"{origin}/mcp", *mcp, "-H", "Authorization: Bearer example-token-1", "-d", INITIALIZE],
        [f"{origin}/mcp", "-X", "DELETE", "-H", "Authorization: Bearer example-token-1", "-H", "Mcp-Session-Id: sess-1"],
    ]


def terminal(command):
    """What a terminal shows."""
    shown = bytearray()

    def read(fd):
        data = os.read(fd, 65536)
        shown.extend(data)
        return data

    keep = os.dup(1)
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 1)
    try:
        pty.spawn(command, read)
    finally:
        os.dup2(keep, 1)
    return bytes(shown).replace(b"\r\n", b"\n")


def curl(out):
    plain, secure = steps(f"http://localhost:{PLAIN}"), steps(f"https://localhost:{SECURE}")
    # One command after the other, as typed into a terminal and copied from it.
    typed = b"".join(b"$ " + b"curl -v " + args[0].encode() + b" ...\n" + terminal(["curl", "-sv", *args]) + b"\n"
                     for args in plain)
    typed += terminal(["curl", "-v", f"http://localhost:{PLAIN}/broken"])
    (out / "verbose-terminal.txt").write_bytes(typed)
    (out / "verbose-h2.txt").write_bytes(b"".join(terminal(["curl", "-skv", *args]) for args in secure))
    redirected = [subprocess.run(["curl", "-sv", *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
                  for args in plain]
    (out / "verbose-redirected.txt").write_bytes(b"".join(redirected))
    meter = [subprocess.run(["curl", "-v", *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
             for args in plain[:2]]
    (out / "verbose-progress.txt").write_bytes(b"".join(meter))
    together = [word for args in plain for word in [*args, "--next"]][:-1]
    for name, option in [("trace.txt", "--trace"), ("trace-ascii.txt", "--trace-ascii")]:
        subprocess.run(["curl", "-s", option, out / name, *together], stdout=subprocess.DEVNULL)
    subprocess.run(["curl", "-sk", "--trace-time", "--trace", out / "trace-h2.txt",
                    *[word for args in secure for word in [*args, "--next", "-k"]][:-2]], stdout=subprocess.DEVNULL)
    # One process, several requests, both streams in one file.
    both = subprocess.run(["curl", "-sv", *[word for args in plain for word in [*args, "--next", "-sv"]][:-2]],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
    (out / "verbose-several-redirected.txt").write_bytes(both)


def httpie(out):
    origin = f"http://localhost:{PLAIN}"
    def http(*args):
        return subprocess.run(["http", "--ignore-stdin", "-v", "--pretty=none", *args], stdout=subprocess.PIPE).stdout
    accept = "Accept:application/json, text/event-stream"
    parts = [
        http("POST", f"{origin}/mcp", accept, "--raw", INITIALIZE),
        http("GET", f"{origin}/.well-known/oauth-protected-resource/mcp"),
        http("--form", "POST", f"{origin}/token", "grant_type=authorization_code", "code=c-1", "client_id=httpie-1",
             "code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        http("POST", f"{origin}/mcp", accept, "Authorization:Bearer example-token-1", "--raw", INITIALIZE),
    ]
    (out / "verbose.txt").write_bytes(b"\n".join(parts))


def chromium(out):
    for mode, name, url in [("Default", "default", f"http://localhost:{PLAIN}/"),
                            ("Everything", "everything-h2", f"https://localhost:{SECURE}/")]:
        with tempfile.TemporaryDirectory() as profile:
            log = out / f"chromium-{name}.json"
            subprocess.run(["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--ignore-certificate-errors",
                            "--disable-background-networking", "--disable-component-update", "--disable-sync",
                            "--no-first-run", f"--user-data-dir={profile}", f"--log-net-log={log}",
                            f"--net-log-capture-mode={mode}", "--virtual-time-budget=6000", "--dump-dom", url],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
            # The machine's own: its name servers and the release of its kernel.
            text = re.sub(r'"nameservers":\[[^\]]*\]', '"nameservers":[]', log.read_text())
            text = re.sub(r'"[0-9.]+:53"', '"192.0.2.53:53"', text)
            log.write_text(re.sub(r'"os_type":"[^"]*"', '"os_type":"Linux"', text).replace(profile, "/profile"))


def main():
    out = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        key, cert = Path(folder, "key.pem"), Path(folder, "cert.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert,
                        "-days", "30", "-subj", "/CN=localhost"], check=True, capture_output=True)
        servers = [subprocess.Popen(["node", HERE / "server.mjs", str(port), *more], stdout=subprocess.PIPE)
                   for port, more in [(PLAIN, []), (SECURE, [key, cert])]]
        try:
            for server in servers:
                server.stdout.readline()
            (out / "curl").mkdir(parents=True, exist_ok=True)
            curl(out / "curl")
            if shutil.which("http"):
                (out / "httpie").mkdir(exist_ok=True)
                httpie(out / "httpie")
            if shutil.which("chromium"):
                (out / "chromium-netlog").mkdir(exist_ok=True)
                chromium(out / "chromium-netlog")
        finally:
            for server in servers:
                server.terminate()


if __name__ == "__main__":
    main()
