// An authorization server and an MCP server on loopback, until standard input ends.
//
//   node servers.mjs [server-refuses-audience]
//
// The first line of output is JSON: { "mcp": URL of the endpoint, "as": issuer }. With TLS_CERT and TLS_KEY (files, PEM)
// both speak https, and the authorization server HTTP/2 as well.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";

import { InvalidTokenError } from "@modelcontextprotocol/sdk/server/auth/errors.js";
import { requireBearerAuth } from "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js";
import { getOAuthProtectedResourceMetadataUrl } from "@modelcontextprotocol/sdk/server/auth/router.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import express from "express";
import { exportJWK, generateKeyPair, jwtVerify } from "jose";
import Provider, { errors } from "oidc-provider";

const [fault] = process.argv.slice(2);
const { TLS_CERT, TLS_KEY } = process.env;
const SCOPE = "notes:read";

// Listens first: issuer and resource are addresses.
function listen(secure) {
  const tls = TLS_CERT && { cert: readFileSync(TLS_CERT), key: readFileSync(TLS_KEY), allowHTTP1: true };
  const server = tls ? secure(tls) : http.createServer();
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}
const origin = (server) => `${TLS_CERT ? "https" : "http"}://127.0.0.1:${server.address().port}`;

const [asServer, mcpServer] = [await listen(http2.createSecureServer), await listen(https.createServer)];
const issuer = origin(asServer);
const resource = new URL("/mcp", origin(mcpServer));

const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
const key = { ...(await exportJWK(privateKey)), kid: "one", alg: "RS256", use: "sig" };

// The authorization server. Its own development pages ask for login and consent.
const provider = new Provider(issuer, {
  jwks: { keys: [key] },
  scopes: ["openid", "offline_access", SCOPE],
  pkce: { required: () => true },
  cookies: { keys: [randomUUID()] },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  features: {
    registration: { enabled: true },
    resourceIndicators: {
      enabled: true,
      // RFC 8707: a token for this one server, and for no other.
      getResourceServerInfo: (_, indicator) => {
        if (indicator !== resource.href) throw new errors.InvalidTarget();
        return { scope: SCOPE, audience: indicator, accessTokenFormat: "jwt", jwt: { sign: { alg: "RS256" } } };
      },
    },
  },
});
asServer.on("request", provider.callback());

// The MCP server.
const verifier = {
  async verifyAccessToken(token) {
    const audience = fault === "server-refuses-audience" ? "https://other.acme.test/mcp" : resource.href;
    try {
      const { payload } = await jwtVerify(token, publicKey, { issuer, audience });
      return { token, clientId: payload.client_id, scopes: (payload.scope ?? "").split(" "), expiresAt: payload.exp };
    } catch (error) {
      throw new InvalidTokenError(error.message);
    }
  },
};

const sessions = new Map();
async function newSession() {
  const server = new McpServer({ name: "notes", version: "1.0.0" });
  server.registerTool("list_notes", { description: "Lists notes" }, () => ({ content: [{ type: "text", text: "one" }] }));
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => sessions.set(id, transport),
    onsessionclosed: (id) => sessions.delete(id),
  });
  await server.connect(transport);
  return transport;
}

const app = express();
app.get("/.well-known/oauth-protected-resource/mcp", (_, response) => {
  response.json({ resource: resource.href, authorization_servers: [issuer], scopes_supported: [SCOPE] });
});
const resourceMetadataUrl = getOAuthProtectedResourceMetadataUrl(resource);
app.use("/mcp", requireBearerAuth({ verifier, requiredScopes: [SCOPE], resourceMetadataUrl }), async (request, response) => {
  const id = request.headers["mcp-session-id"];
  const transport = id ? sessions.get(id) : await newSession();
  if (!transport) return response.status(404).end();
  await transport.handleRequest(request, response);
});
mcpServer.on("request", app);

console.log(JSON.stringify({ mcp: resource.href, as: issuer }));
process.stdin.on("end", () => process.exit(0)).resume();
