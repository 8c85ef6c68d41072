// Records one case: `record.mjs CASE FOLDER`, called by record.sh.

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import * as authorizationServer from './authorization_server.mjs';
import * as mcpServer from './mcp_server.mjs';
import { launch } from './browser.mjs';
import { run, runPython } from './client.mjs';
const { cases } = await import(process.env.CASES ?? './cases.mjs');

const ISSUER = 'http://auth.cedar.test:9000';
const RESOURCE = 'http://mcp.cedar.test:8080/mcp';
const pause = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));

const [, , name, folder] = process.argv;
const { authorization, server, client, clients, proxy, mitmproxy, ports = [8080, 9000, 33418], label } = cases[name];
mkdirSync(folder, { recursive: true });

const filter = `tcp and (${ports.map(port => `port ${port}`).join(' or ')})`;
const dump = spawn('tcpdump', ['-i', 'lo', '-s', '0', '-U', '-B', '32768', '--immediate-mode', '-w', join(folder, 'client.pcap'), '-Z', 'root', filter]);
await new Promise(resolve => dump.stderr.on('data', text => `${text}`.includes('listening') && resolve()));

const closing = [];
// Where nginx stands in front, it takes the address and the server moves one port up, out of the recording.
const behind = port => (mitmproxy || proxy?.includes(`:${port};`) ? port + 1 : port);
closing.push(await authorizationServer.start({
    issuer: ISSUER, address: '127.0.0.10', port: behind(9000), settings: authorization,
}));
const mcp = await mcpServer.start({
    resource: RESOURCE, issuer: ISSUER, address: '127.0.0.20', port: behind(8080),
    settings: { jwks: `http://127.0.0.10:${behind(9000)}/jwks`, ...server },
});
closing.push(mcp);
if (proxy) closing.push(await nginx(proxy));
if (mitmproxy) closing.push(await mitmdump());

const browser = await launch();
const at = { 'forget sessions': async () => mcp.forgetSessions() };
const said = await Promise.all((clients ?? [client ?? {}]).map(async (settings, index) => {
    await pause(index * (settings.after ?? 0));
    const program = settings.python ? runPython : run;
    return program({ resource: settings.resource ?? RESOURCE, browser, port: 33418 + index, settings, at });
}));
await browser.close();
await pause(300);
for (const part of closing.reverse()) await part.close();
await pause(300);
dump.kill('SIGINT');
await new Promise(resolve => dump.once('exit', resolve));
console.log(name, JSON.stringify(said));
if (label) writeFileSync(join(folder, 'label.toml'), text(name, label));

/** Runs nginx with these servers. */
async function nginx(servers) {
    const work = mkdtempSync(join(tmpdir(), 'nginx-'));
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(kind => `${kind}_temp_path ${work};`);
    writeFileSync(join(work, 'nginx.conf'),
        `daemon off; pid ${work}/pid; error_log ${work}/error.log; user root;\nevents {}\n` +
        `http { access_log off; ${temporary.join(' ')} proxy_buffering off;\n` +
        `proxy_set_header Host $http_host; proxy_http_version 1.1; proxy_set_header Connection "";\n${servers}\n}\n`);
    const process = spawn('nginx', ['-c', join(work, 'nginx.conf')], { stdio: 'inherit' });
    await pause(400);
    return { close: async () => { process.kill('SIGTERM'); await new Promise(done => process.once('exit', done)); } };
}

/** Runs mitmproxy in front of both servers, as the recorder. */
async function mitmdump() {
    const process = spawn('mitmdump', ['-q', '--mode', 'reverse:http://127.0.0.10:9001@127.0.0.10:9000',
        '--mode', 'reverse:http://127.0.0.20:8081@127.0.0.20:8080', '--set', 'keep_host_header=true',
        '-w', join(folder, 'session.flow'), '--set', `hardump=${join(folder, 'session.har')}`], { stdio: 'inherit' });
    while (!(await fetch('http://127.0.0.20:8080/').catch(() => undefined))) await pause(200);
    return { close: async () => { process.kill('SIGINT'); await new Promise(done => process.once('exit', done)); } };
}

/** The label, as `samples/labelled/README.md` explains it. */
function text(id, { expect, ...of }) {
    const rows = { schema: 1, id, clean: false, first_broken_link: '', party: '', decidable: 'yes', ...of };
    const lines = Object.entries(rows).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
    return `${lines.join('\n')}

give = [["client.pcap"]]   # each list is handed over together
expect = [${JSON.stringify(expect)}]   # outcome for each list of give

[[file]]
name = "client.pcap"
format = "pcap"
decidable_alone = "${of.decidable ?? 'yes'}"
`;
}
