// Logs in at an MCP server as the official client library does, without a person, and calls a tool.
//
//   node client.mjs URL [token-never-attached | verifier-of-another-flow]
//
// Through a proxy it speaks HTTP/2 with servers that do, where HTTP2 is set.
//
// Exit status 0: the tool answered. 1: it did not; the reason is on standard error.
import http from "node:http";
import { randomUUID } from "node:crypto";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { auth, UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { EnvHttpProxyAgent, setGlobalDispatcher } from "undici";

const [url, fault] = process.argv.slice(2);
// Node 20 has no NODE_USE_ENV_PROXY.
const allowH2 = Boolean(process.env.HTTP2);
if (process.env.HTTP_PROXY || process.env.HTTPS_PROXY) {
  setGlobalDispatcher(new EnvHttpProxyAgent({ allowH2, requestTls: { allowH2 } }));
}

// The callback listener: gives the parameters of the authorization response.
let answered;
const listener = http.createServer((request, response) => {
  answered = new URL(request.url, "http://127.0.0.1").searchParams;
  response.end("You can close this page.");
});
await new Promise((resolve) => listener.listen(0, "127.0.0.1", resolve));
const redirectUrl = `http://127.0.0.1:${listener.address().port}/callback`;

// The browser: follows redirects with its cookies, and answers the pages for login and consent.
const cookies = new Map();
async function browse(address, form) {
  const headers = { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") };
  const response = await fetch(address, { method: form ? "POST" : "GET", body: form, headers, redirect: "manual" });
  for (const cookie of response.headers.getSetCookie()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
    value ? cookies.set(name, value) : cookies.delete(name);
  }
  const page = await response.text();
  const location = response.headers.get("location");
  if (location) return browse(new URL(location, address));
  const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1];
  if (!prompt) return;
  const answer = prompt === "login" ? { prompt, login: "alice", password: "not-a-secret" } : { prompt };
  // The page is its own form's address, also where a proxy stands for the server.
  return browse(address, new URLSearchParams(answer));
}

const kept = {};
const provider = {
  redirectUrl,
  clientMetadata: {
    client_name: "e2e",
    redirect_uris: [redirectUrl],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
    application_type: "native",
  },
  state: () => (kept.state = randomUUID()),
  clientInformation: () => kept.client,
  saveClientInformation: (client) => (kept.client = client),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => (kept.tokens = tokens),
  codeVerifier: () => kept.verifier,
  saveCodeVerifier: (verifier) => (kept.verifier = verifier),
  redirectToAuthorization: (authorization) => void (kept.authorization ??= authorization),
};

const client = new Client({ name: "e2e", version: "1.0.0" });
const transport = () => new StreamableHTTPClientTransport(new URL(url), { authProvider: provider, fetch: send });
function send(address, init) {
  const headers = new Headers(init?.headers);
  if (fault === "token-never-attached" && String(address) === url) headers.delete("authorization");
  return fetch(address, { ...init, headers });
}

async function login() {
  const first = transport();
  try {
    return await client.connect(first);
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
  }
  const { authorization, state } = kept;
  // Another tab begins a login of its own and keeps its verifier at the same place.
  if (fault === "verifier-of-another-flow") await auth(provider, { serverUrl: url });
  await browse(authorization);
  if (answered?.get("state") !== state) throw new Error(`the login failed: ${answered}`);
  await first.finishAuth(answered.get("code"));
  await client.connect(transport());
}

let status = 0;
try {
  await login();
  const { content } = await client.callTool({ name: "list_notes", arguments: {} });
  console.log(content[0].text);
  await client.transport.terminateSession();
  await client.close();
} catch (error) {
  console.error(error.message);
  status = 1;
}
listener.closeAllConnections();
process.exit(status);
