// The MCP server: the TypeScript SDK, its bearer middleware, tokens checked with jose.

import { randomUUID } from 'node:crypto';
import express from 'express';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { z } from 'zod';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { isInitializeRequest } from '@modelcontextprotocol/sdk/types.js';
import { metadataHandler } from '@modelcontextprotocol/sdk/server/auth/handlers/metadata.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { stop } from './authorization_server.mjs';

function tools(settings) {
    const server = new McpServer({ name: 'cedar-notes', version: '1.2.0' });
    server.registerTool('list_notes', { description: 'Lists notes', inputSchema: {} }, async () => ({
        content: [{ type: 'text', text: 'two notes' }],
    }));
    server.registerTool('slow_notes', { description: 'Takes its time', inputSchema: { steps: z.number() } },
        async ({ steps }, extra) => {
            for (let step = 1; step <= steps; step++) {
                await new Promise(resolve => setTimeout(resolve, settings.stepTime ?? 300));
                await extra.sendNotification({
                    method: 'notifications/message', params: { level: 'info', data: `step ${step}` },
                });
            }
            return { content: [{ type: 'text', text: 'done' }] };
        });
    server.server.registerCapabilities({ logging: {} });
    return server;
}

/** Starts it. `settings` are what a case changes. */
export async function start({ resource, issuer, address, port, settings = {} }) {
    const keys = createRemoteJWKSet(new URL(settings.jwks ?? `${issuer}/jwks`));
    const expected = { issuer: settings.expectedIssuer ?? issuer, audience: settings.expectedAudience ?? resource };
    const verifier = {
        async verifyAccessToken(token) {
            try {
                const { payload } = await jwtVerify(token, keys, { ...expected, clockTolerance: 0 });
                const scopes = (payload.scope ?? '').split(' ').filter(Boolean);
                return { token, clientId: payload.client_id, scopes, expiresAt: payload.exp };
            } catch (error) {
                throw new InvalidTokenError(error.message);
            }
        },
    };
    const path = new URL(resource).pathname;
    const wellKnown = `/.well-known/oauth-protected-resource${path === '/' ? '' : path}`;
    const resourceMetadataUrl = settings.pointer ?? new URL(wellKnown, resource).href;
    const app = express();
    app.disable('x-powered-by');
    app.use(express.json());
    app.use(settings.metadataAt ?? wellKnown, metadataHandler({
        resource: settings.announcedResource ?? resource,
        authorization_servers: settings.authorizationServers ?? [issuer],
        scopes_supported: ['mcp:tools'],
        bearer_methods_supported: ['header'],
    }));
    app.use(path, requireBearerAuth({ verifier, requiredScopes: ['mcp:tools'], resourceMetadataUrl }));
    for (const [method, scope] of Object.entries(settings.scopeOf ?? {})) {
        const also = requireBearerAuth({ verifier, requiredScopes: ['mcp:tools', scope], resourceMetadataUrl });
        app.post(path, (request, response, next) =>
            request.body.method === method ? also(request, response, next) : next());
    }
    let sessions = new Map();
    app.all(path, async (request, response) => {
        let transport = sessions.get(request.headers['mcp-session-id']);
        if (settings.stateless) {
            transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
            await tools(settings).connect(transport);
        } else if (!transport && request.method === 'POST' && isInitializeRequest(request.body)) {
            transport = new StreamableHTTPServerTransport({
                sessionIdGenerator: settings.noSessionId ? undefined : randomUUID,
                onsessioninitialized: id => { sessions.set(id, transport); },
                enableJsonResponse: settings.jsonAnswers ?? false,
            });
            await tools(settings).connect(transport);
        } else if (!transport) {
            const lost = request.headers['mcp-session-id'] !== undefined;
            return response.status(lost ? 404 : 400).json({
                jsonrpc: '2.0', id: null,
                error: { code: lost ? -32001 : -32000, message: lost ? 'Session not found' : 'Bad Request: No session id' },
            });
        }
        await transport.handleRequest(request, response, request.body);
    });
    const server = app.listen(port, address);
    await new Promise(resolve => server.once('listening', resolve));
    return {
        /** What a restart does to sessions that live in memory. */
        forgetSessions: () => { sessions = new Map(); },
        close: () => stop(server),
    };
}
