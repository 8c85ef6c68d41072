"""The Python SDK as a native program: `client.py RESOURCE PORT SETTINGS`.

Prints `open URL` for the browser; the caller drives it. SETTINGS is JSON: steps, scope, iss.
"""

import asyncio
import json
import sys
from urllib.parse import parse_qs, urlsplit

import httpx
from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider, TokenStorage
from mcp.client.streamable_http import streamablehttp_client
from mcp.shared.auth import OAuthClientMetadata

resource, port, settings = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])


class Memory(TokenStorage):
    """Keeps tokens and the registration as long as the program runs."""

    tokens = None
    client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client_info):
        self.client = client_info


arrived: asyncio.Future = None


async def answer(reader, writer):
    line = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0].decode()
    url = urlsplit(line.split(" ")[1])
    query = {key: values[0] for key, values in parse_qs(url.query).items()}
    found = url.path == "/callback"
    body = b"<p>You are logged in.</p>" if found else b""
    writer.write(b"HTTP/1.1 %s\r\ncontent-type: text/html\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
                 % (b"200 OK" if found else b"404 Not Found", len(body)) + body)
    await writer.drain()
    writer.close()
    if found and not arrived.done():
        arrived.set_result((query.get("code"), query.get("state")))


async def open_browser(url):
    print("open", url, flush=True)


async def main():
    global arrived
    arrived = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(answer, "127.0.0.1", port)
    metadata = OAuthClientMetadata(client_name="elder-cli", redirect_uris=[f"http://127.0.0.1:{port}/callback"],
                                   scope=settings.get("scope"), token_endpoint_auth_method="none")
    provider = OAuthClientProvider(resource, metadata, Memory(), open_browser, lambda: arrived)
    async with streamablehttp_client(resource, auth=provider) as (read, write, _):
        async with ClientSession(read, write) as session:
            await session.initialize()
            for step in settings.get("steps", ["list", "call"]):
                if isinstance(step, int):
                    await asyncio.sleep(step / 1000)
                elif step == "list":
                    await session.list_tools()
                else:
                    await session.call_tool("list_notes", {})
    server.close()


try:
    asyncio.run(asyncio.wait_for(main(), 20))
    print("done", flush=True)
except BaseException as error:  # What went wrong is what the recording is about.
    print("failed", repr(error)[:300], flush=True)
