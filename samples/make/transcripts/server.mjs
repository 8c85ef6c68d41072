// Plays an MCP server and an authorization server on one origin, for recordings of command-line clients and browsers.
//
//   node server.mjs PORT            HTTP/1.1
//   node server.mjs PORT KEY CERT   HTTP/2 and HTTP/1.1 over TLS
import { createServer } from "node:http";
import { createSecureServer } from "node:http2";
import { readFileSync } from "node:fs";

const [port, key, cert] = process.argv.slice(2);
const scheme = key ? "https" : "http";
const origin = `${scheme}://localhost:${port}`;

// A page that does what an MCP client in a browser does.
const page = `<!doctype html><title>page</title><script type="module">
  const initialize = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize",
    params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "page", version: "1" } } });
  const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" };
  const read = async (...request) => (await fetch(...request)).text();
  await read("/mcp", { method: "POST", headers, body: initialize });
  await read("/.well-known/oauth-protected-resource/mcp");
  await read("/.well-known/oauth-authorization-server");
  await read("/token", { method: "POST", body: new URLSearchParams({ grant_type: "authorization_code", code: "c-1",
    client_id: "page-1", code_verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" }) });
  const authorization = "Bearer example-token-1";
  await read("/mcp", { method: "POST", headers: { ...headers, authorization }, body: initialize });
  await fetch("/mcp", { method: "DELETE", headers: { authorization, "mcp-session-id": "sess-1" } });
  document.title = "done";
</script>`;

function answer(request, response) {
  const path = request.url.split("?")[0];
  const send = (status, headers, body) => {
    response.writeHead(status, headers);
    response.end(body);
  };
  const json = (status, value, headers = {}) =>
    send(status, { "content-type": "application/json", ...headers }, JSON.stringify(value));
  if (path === "/") {
    send(200, { "content-type": "text/html", "set-cookie": "a=1; HttpOnly" }, page);
  } else if (path === "/.well-known/oauth-protected-resource/mcp") {
    json(200, { resource: `${origin}/mcp`, authorization_servers: [origin] });
  } else if (path === "/.well-known/oauth-authorization-server") {
    json(200, {
      issuer: origin,
      authorization_endpoint: `${origin}/authorize`,
      token_endpoint: `${origin}/token`,
      response_types_supported: ["code"],
      code_challenge_methods_supported: ["S256"],
    });
  } else if (path === "/authorize") {
    send(302, { location: "http://localhost:33418/callback?code=c-1&state=st-1" });
  } else if (path === "/token") {
    json(200, { access_token: "example-token-1", token_type: "Bearer", expires_in: 3600 }, { "cache-control": "no-store" });
  } else if (path === "/mcp" && request.headers.authorization !== "Bearer example-token-1") {
    const metadata = `${origin}/.well-known/oauth-protected-resource/mcp`;
    json(401, { error: "invalid_token" }, { "www-authenticate": `Bearer resource_metadata="${metadata}"` });
  } else if (path === "/mcp" && request.method === "POST") {
    const result = { protocolVersion: "2025-11-25", capabilities: {}, serverInfo: { name: "rec", version: "1" } };
    const message = JSON.stringify({ jsonrpc: "2.0", id: 1, result });
    send(200, { "content-type": "text/event-stream", "mcp-session-id": "sess-1" }, `event: message\ndata: ${message}\n\n`);
  } else if (path === "/mcp" && request.method === "DELETE") {
    send(200, {});
  } else {
    send(404, { "content-type": "text/plain" }, "not found\n");
  }
}

const onRequest = (request, response) => {
  request.resume();
  request.on("end", () => (request.url === "/broken" ? request.socket.destroy() : answer(request, response)));
};
const server = key
  ? createSecureServer({ key: readFileSync(key), cert: readFileSync(cert), allowHTTP1: true }, onRequest)
  : createServer(onRequest);
server.listen(Number(port), "localhost", () => console.log("ready"));
