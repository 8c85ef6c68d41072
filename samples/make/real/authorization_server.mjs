// The authorization server: oidc-provider, and in front of it what it does not answer itself.

import express from 'express';
import Provider from 'oidc-provider';
import { generateKeyPair, exportJWK } from 'jose';

/** Starts it. `settings.audience` and so on are what a case changes. */
export async function start({ issuer, address, port, settings = {} }) {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true });
    const key = { ...(await exportJWK(privateKey)), kid: 'k1', alg: 'RS256', use: 'sig' };
    const lifetime = settings.tokenLifetime ?? 600;
    const provider = new Provider(settings.issuer ?? issuer, {
        jwks: { keys: [key] },
        routes: { authorization: '/authorize', token: '/token', registration: '/register', jwks: '/jwks' },
        scopes: ['openid', 'offline_access', 'mcp:tools', 'mcp:write'],
        pkce: { required: () => settings.pkceRequired ?? true },
        clientDefaults: { grant_types: ['authorization_code', 'refresh_token'], token_endpoint_auth_method: 'none' },
        rotateRefreshToken: true,
        issueRefreshToken: async () => settings.refreshTokens ?? true,
        ttl: { AccessToken: lifetime, AuthorizationCode: settings.codeLifetime ?? 60, RefreshToken: 3600 },
        features: {
            devInteractions: { enabled: true },
            registration: { enabled: true },
            revocation: { enabled: true },
            introspection: { enabled: true },
            resourceIndicators: {
                enabled: true,
                defaultResource: async () => settings.defaultResource ?? 'http://mcp.cedar.test:8080/mcp',
                useGrantedResource: async () => true,
                getResourceServerInfo: async (_context, resource) => ({
                    scope: 'mcp:tools mcp:write',
                    audience: settings.audience ?? resource,
                    accessTokenTTL: lifetime,
                    accessTokenFormat: settings.opaqueTokens ? 'opaque' : 'jwt',
                    jwt: { sign: { alg: 'RS256' } },
                }),
            },
        },
        findAccount: async (_context, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
        ...settings.provider,
    });
    provider.proxy = true;
    const app = express();
    app.disable('x-powered-by');
    app.use('/.well-known', (request, response, next) => {
        const oauth = request.path === '/oauth-authorization-server';
        const served = oauth ? settings.oauthMetadata : settings.openidConfiguration;
        if (served === false) return response.status(404).end();
        if (!settings.leaveOut && !settings.announce) return next();
        // What the provider announces, less what the case leaves out.
        const send = response.end.bind(response);
        response.end = (body, ...rest) => {
            const document = JSON.parse(body);
            for (const member of settings.leaveOut ?? []) delete document[member];
            const text = JSON.stringify(Object.assign(document, settings.announce));
            response.setHeader('content-length', Buffer.byteLength(text));
            return send(text, ...rest);
        };
        next();
    });
    app.use(provider.callback());
    const server = app.listen(port, address);
    await new Promise(resolve => server.once('listening', resolve));
    return { close: () => stop(server) };
}

/** Ends a server with its connections. */
export function stop(server) {
    server.closeAllConnections();
    return new Promise(resolve => server.close(resolve));
}
