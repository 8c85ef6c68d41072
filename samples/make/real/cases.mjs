// What is recorded. A case changes one setting of one component; the label says what that is and what must come out.

/** nginx on the address of the authorization server; a directive of it is what a case is about. */
const beforeAuthorization = (directive, atToken = '') => `server { listen 127.0.0.10:9000; ${directive}
    location / { proxy_pass http://127.0.0.10:9001; }
    location = /token { ${atToken} proxy_pass http://127.0.0.10:9001; } }`;
/** nginx on the address of the MCP server. */
const beforeServer = atEndpoint => `server { listen 127.0.0.20:8080;
    location / { ${atEndpoint} proxy_pass http://127.0.0.20:8081; } }`;

const clean = (title, more = {}) => ({
    title, clean: true, outcome: 'authorized', revision: '2025-11-25', expect: 'authorized', ...more,
});
const lost = (title, link, party, injected, more = {}) => ({
    title, outcome: 'lost', revision: '2025-11-25', first_broken_link: link, party, injected, expect: 'lost', ...more,
});
/** A fault that this client gets over. */
const held = (title, link, party, injected, more = {}) => ({
    ...lost(title, link, party, injected, more), outcome: 'authorized', expect: 'authorized',
});
/** Which party it is cannot be seen from the client's side. */
const oneSided = { party_decidable: 'only-with-other-capture' };

/** Both sides of nginx at the MCP server are recorded. */
const bothHops = [8080, 8081, 9000, 33418];

/** Two programs, each with a port of its own for callbacks. */
const twoClients = [8080, 9000, 33418, 33419];
const withoutToken = (url, init) => {
    const headers = new Headers(init?.headers);
    if (`${url}`.endsWith('/mcp')) headers.delete('authorization');
    return fetch(url, { ...init, headers });
};

export const cases = {
    'clean-openid-configuration-only': {
        authorization: { oauthMetadata: false },
        label: clean('The authorization server has an OpenID configuration and no OAuth metadata'),
    },
    'clean-refresh-2025-11-25-pcap': {
        authorization: { tokenLifetime: 2 }, client: { steps: ['list', 2600, 'call'] },
        label: clean('The token expires and is refreshed'),
    },
    'clean-session-reopened': {
        client: { steps: ['list', 'forget sessions', 'call', 'list'], reopen: true },
        label: clean('The server is restarted and forgets its sessions, and the client opens a new one'),
    },
    'clean-redirect-to-slash': {
        proxy: `server { listen 127.0.0.20:8080; location = /mcp { return 308 http://mcp.cedar.test:8080/mcp/; }
            location = /mcp/ { proxy_pass http://127.0.0.20:8081/mcp; } location / { proxy_pass http://127.0.0.20:8081; } }`,
        label: clean('The endpoint redirects to the same path with a slash, and the metadata names the one without'),
    },
    'clean-behind-proxy': {
        proxy: `server { listen 127.0.0.20:8080;
            location / { proxy_set_header X-Forwarded-For $remote_addr; proxy_pass http://127.0.0.20:8081; } }`,
        ports: [8081], label: clean('Recorded at the MCP server alone; the proxy in front changes the host'),
    },
    'clean-behind-plain-proxy': {
        proxy: `server { listen 127.0.0.20:8080; proxy_set_header Host $proxy_host; proxy_http_version 1.0;
            location / { proxy_pass http://127.0.0.20:8081; } }`,
        ports: [8081], label: clean('The same with a proxy that leaves no mark but HTTP/1.0'),
    },
    'clean-python-2025-11-25': {
        client: { python: true },
        label: clean('The Python SDK, 2025-11-25'),
    },
    'clean-token-answer-may-be-stored': {
        proxy: beforeAuthorization('', 'proxy_hide_header Cache-Control;'),
        label: clean('A proxy takes Cache-Control out of the token response, and nothing is lost'),
    },
    'as-metadata-nowhere': {
        authorization: { oauthMetadata: false, openidConfiguration: false },
        label: held('The authorization server has no metadata; the client guesses its endpoints', 'as-metadata',
            'authorization-server', 'both well-known routes switched off'),
    },
    'pkce-support-not-announced': {
        authorization: { leaveOut: ['code_challenge_methods_supported'] },
        label: held('The metadata does not say that PKCE is supported', 'as-metadata', 'authorization-server',
            'code_challenge_methods_supported taken out of the metadata'),
    },
    'metadata-lacks-response-types': {
        authorization: { leaveOut: ['response_types_supported'] },
        label: lost('The metadata lacks a member that the client checks', 'as-metadata', 'authorization-server',
            // Why the client stops there is not on the wire.
            'response_types_supported taken out of the metadata', { decidable: 'no' }),
    },
    'issuer-with-slash-in-resource-metadata': {
        server: { authorizationServers: ['http://auth.cedar.test:9000/'] },
        label: held('The resource metadata names the issuer with a slash at its end', 'as-metadata', 'mcp-server',
            'authorization_servers configured with a slash', { root_cause_link: 'resource-metadata' }),
    },
    'state-lost-behind-proxy': {
        proxy: beforeAuthorization('proxy_redirect ~^(.*)&state=[^&]*(.*)$ $1$2;'),
        label: lost('The authorization response comes back without state', 'callback', 'authorization-server',
            'nginx in front of the authorization server: proxy_redirect cuts state off', oneSided),
    },
    'python-state-lost-behind-proxy': {
        client: { python: true }, proxy: beforeAuthorization('proxy_redirect ~^(.*)&state=[^&]*(.*)$ $1$2;'),
        label: lost('The same with a client whose callback says that all is well', 'callback', 'authorization-server',
            'nginx in front of the authorization server: proxy_redirect cuts state off', oneSided),
    },
    'callback-listener-elsewhere': {
        client: { listenOn: 33500 },
        label: lost('The program listens on another port than its redirect URI names', 'callback', 'client',
            'the port of the listener differs from the one registered'),
    },
    'one-of-two-drops-its-token': {
        clients: [{ steps: ['list', 6000, 'call'] }, { after: 3000, fetch: () => withoutToken }], ports: twoClients,
        label: lost('Two installs of one program, and the second never sends its token', 'token-attachment', 'client',
            'authorization taken out of the headers by the fetch function of the second', { clients: 2 }),
    },
    'redirect-to-other-origin': {
        proxy: `server { listen 127.0.0.20:8080; location = /mcp { return 308 http://127.0.0.20:8080/mcp; }
            location / { proxy_pass http://127.0.0.20:8081; } }`,
        label: lost('The endpoint redirects to another origin, and the client does not follow', 'challenge', 'mcp-server',
            'nginx in front of the MCP server redirects to its address', oneSided),
    },
    'redirect-out-of-recording': {
        proxy: `server { listen 127.0.0.20:8080; location = /mcp { return 302 https://login.cedar.test/start; }
            location / { proxy_pass http://127.0.0.20:8081; } }`,
        label: lost('The same with a target of which the recording would show nothing', 'challenge', 'intermediary',
            'nginx in front of the MCP server redirects to a login page', { decidable: 'no', expect: 'undecided' }),
    },
    'login-not-finished': {
        client: { giveUp: true },
        label: lost('The browser shows the page for signing in, and nobody does', 'callback', 'user',
            'the page is closed without a word'),
    },
    'callback-refused-after-idle': {
        client: { listenOn: 33500, hesitate: 4000 },
        label: lost('The same, after the connections of the program were closed for being idle', 'callback', 'client',
            'the port of the listener differs from the one registered'),
    },
    'token-for-a-fixed-audience': {
        authorization: { audience: 'http://mcp.cedar.test:8080/' },
        label: lost('Tokens are issued for a fixed audience, whatever resource is asked for', 'token-response',
            'authorization-server', 'the audience is configured without the path'),
    },
    'token-answer-labelled-as-page': {
        proxy: beforeAuthorization('', 'proxy_hide_header Content-Type; add_header Content-Type text/html;'),
        label: held('The token response is labelled as a page', 'token-response', 'authorization-server',
            'nginx in front of the authorization server: another Content-Type at /token', oneSided),
    },
    'sessions-lost-at-restart': {
        client: { steps: ['list', 'forget sessions', 'call', 'list'], goOn: true, terminate: false },
        label: lost('The server is restarted and forgets its sessions, the client goes on with the old id', 'session',
            'client', 'sessions live in memory; the client opens no new one', oneSided),
    },
    'session-id-demanded-and-not-issued': {
        server: { noSessionId: true },
        label: lost('The server gives out no session id and then asks for one', 'session', 'mcp-server',
            'sessionIdGenerator is undefined, the lookup of sessions stays', oneSided),
    },
    'clean-stateless-2025-11-25': {
        server: { stateless: true }, label: clean('The server issues no session id and asks for none'),
    },
    'scope-beyond-registration': {
        server: { scopeOf: { 'tools/call': 'mcp:write' } }, authorization: { refreshTokens: false },
        label: lost('The client registers for the first scope and asks for another later', 'authorization-request',
            'client', 'none injected: release 1.32 registers the scope of the first challenge', oneSided),
    },

    // Recordings that stand beside rule pages; none has a label.
    'session-id-gone-behind-hop.violated': {
        ports: bothHops, proxy: beforeServer('proxy_set_header Mcp-Session-Id "";'),
    },
    'session-id-removed-from-answer.violated': {
        ports: bothHops, proxy: beforeServer('proxy_hide_header Mcp-Session-Id;'),
    },
    // The satisfied one of both.
    'through-nginx.satisfied': { ports: bothHops, proxy: beforeServer('') },
    'refused-by-edge.violated': {
        proxy: beforeServer('').replace(';', '; client_header_buffer_size 256; large_client_header_buffers 2 512;'),
    },
    'refused-by-edge.satisfied': {
        proxy: beforeServer('add_header Via "1.1 edge.cedar.test" always; proxy_set_header Mcp-Session-Id "";'),
    },
};
