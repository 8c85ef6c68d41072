// The client: the TypeScript SDK as a native program with a callback on loopback.

import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { randomBytes } from 'node:crypto';
import { logIn } from './browser.mjs';
import { stop } from './authorization_server.mjs';

const pause = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));

/** The modules of one release of the SDK. */
async function release(name = '@modelcontextprotocol/sdk') {
    const [{ Client }, { StreamableHTTPClientTransport }, { UnauthorizedError }] = await Promise.all([
        import(`${name}/client/index.js`),
        import(`${name}/client/streamableHttp.js`),
        import(`${name}/client/auth.js`),
    ]);
    return { Client, StreamableHTTPClientTransport, UnauthorizedError };
}

/** What the program keeps: in memory, one login at a time. */
function store(settings, callback, open) {
    const kept = {};
    return {
        kept,
        get redirectUrl() { return settings.redirectUri ?? callback; },
        get clientMetadata() {
            return {
                client_name: 'cedar-cli', redirect_uris: [settings.registeredRedirectUri ?? this.redirectUrl],
                grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
                token_endpoint_auth_method: 'none', scope: settings.registeredScope ?? 'mcp:tools mcp:write',
            };
        },
        state: () => (kept.state = settings.sendState === false ? undefined : randomBytes(16).toString('base64url')),
        clientInformation: () => kept.client ?? settings.clientInformation,
        saveClientInformation: client => { kept.client = client; },
        tokens: () => kept.tokens,
        saveTokens: tokens => { kept.tokens = settings.alterTokens ? settings.alterTokens(tokens) : tokens; },
        redirectToAuthorization: url => open(url),
        saveCodeVerifier: verifier => { kept.verifier = verifier; },
        codeVerifier: () => kept.verifier,
        ...settings.provider,
    };
}

/** Listens for authorization responses; answers 400 where the state is not the one that was sent. */
async function listen(port, store, settings) {
    const arrived = [];
    const server = createServer((request, response) => {
        const url = new URL(request.url, `http://127.0.0.1:${port}`);
        if (url.pathname !== '/callback') return response.writeHead(404).end();
        const { code, state, error, iss } = Object.fromEntries(url.searchParams);
        const fits = settings.sendState === false || state === store.kept.state;
        const refused = error || !code || !fits;
        response.writeHead(refused ? 400 : 200, { 'content-type': 'text/html' });
        response.end(refused ? '<p>The login failed.</p>' : '<p>You are logged in.</p>');
        if (!refused) arrived.push({ code, iss });
    });
    await new Promise(resolve => server.listen(settings.listenOn ?? port, '127.0.0.1', resolve));
    return { next: () => arrived.shift(), close: () => stop(server) };
}

/** One run of the same program over the Python SDK. */
export async function runPython({ resource, browser, port = 33418, settings }) {
    const script = new URL('client.py', import.meta.url).pathname;
    const python = process.env.PYTHON ?? 'python3';
    const program = spawn(python, [script, resource, port, JSON.stringify(settings)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const said = [];
    for await (const line of createInterface({ input: program.stdout })) {
        if (line.startsWith('open ')) await logIn(browser, line.slice(5), settings);
        else if (line !== 'done') said.push(line);
    }
    return said;
}

/** One run of the program: connect, log in where that is asked for, work, say goodbye. Returns what happened. */
export async function run({ resource, browser, port = 33418, settings = {}, at = {}, name = 'cedar-cli' }) {
    const { Client, StreamableHTTPClientTransport, UnauthorizedError } = await release(settings.sdk);
    let pages = Promise.resolve();
    const own = store(settings, `http://127.0.0.1:${port}/callback`, url => {
        pages = pages.then(() => logIn(browser, settings.alterUrl ? settings.alterUrl(url.href) : url.href, settings));
    });
    const transport = () => new StreamableHTTPClientTransport(new URL(resource), {
        authProvider: own, ...(settings.fetch ? { fetch: settings.fetch(own.kept) } : {}),
    });
    const callback = await listen(port, own, settings);
    /** Does the job; where it ends in a login, waits for that and redeems the code. */
    const authorized = async job => {
        try {
            return await job();
        } catch (error) {
            if (!(error instanceof UnauthorizedError)) throw error;
            await pages;
            const answer = callback.next();
            if (!answer) throw new Error('no authorization response');
            await pause(settings.waitBeforeExchange ?? 0);
            await connection.finishAuth(answer.code, answer.iss);
            return 'again';
        }
    };
    let connection;
    const connect = async () => {
        const client = new Client({ name, version: '2.0.1' }, { capabilities: {} });
        connection = transport();
        if (await authorized(() => client.connect(connection)) === 'again') {
            connection = transport();
            await client.connect(connection);
        }
        return client;
    };
    const said = [];
    try {
        let client = await connect();
        for (const step of settings.steps ?? ['list', 'call']) {
            try {
                await work(client, step, at, settings);
            } catch (error) {
                said.push(`${step}: ${error.message}`);
                if (error instanceof UnauthorizedError) {
                    await authorized(() => Promise.reject(error));
                    await work(client, step, at, settings);
                } else if (settings.reopen) {
                    client = await connect();
                    await work(client, step, at, settings);
                } else if (!settings.goOn) {
                    throw error;
                }
            }
        }
        if (settings.terminate !== false) await connection.terminateSession();
        await client.close();
    } catch (error) {
        said.push(error.message);
    }
    await pages;
    await callback.close();
    return said;
}

async function work(client, step, at, settings) {
    if (step === 'list') return client.listTools();
    if (step === 'call') return client.callTool({ name: 'list_notes', arguments: {} });
    if (step === 'slow') return client.callTool({ name: 'slow_notes', arguments: { steps: settings.slowSteps ?? 4 } });
    if (typeof step === 'number') return pause(step);
    return at[step]();
}
