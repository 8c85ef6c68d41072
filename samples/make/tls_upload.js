// usage: node tls_upload.js PORT NAME : one connection, one upload, on loopback. Writes client.txt and server.txt, what
// both sides said inside. Its server needs ec.pem and ec.key.
const fs = require('fs');
const tls = require('tls');

const [port, name] = process.argv.slice(2);
const body = Buffer.alloc(100000, 0);
for (let i = 0; i < body.length; i++) body[i] = 32 + ((i * 7 + (i >> 8)) % 95);
const request = Buffer.concat([
  Buffer.from(`POST /mcp HTTP/1.1\r\nHost: ${name}\r\nContent-Length: ${body.length}\r\n\r\n`),
  body,
]);
const response = Buffer.from('HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n');
fs.writeFileSync('client.txt', request);
fs.writeFileSync('server.txt', response);

const options = { key: fs.readFileSync('ec.key'), cert: fs.readFileSync('ec.pem'), ALPNProtocols: ['http/1.1'] };
const server = tls.createServer(options, (socket) => {
  let received = 0;
  socket.on('data', (piece) => {
    received += piece.length;
    if (received === request.length) socket.end(response);
  });
  socket.on('close', () => server.close());
});
server.listen(+port, '127.0.0.1', () => {
  const client = tls.connect({ port: +port, host: '127.0.0.1', servername: name, rejectUnauthorized: false,
    ALPNProtocols: ['h2', 'http/1.1'] }, () => client.write(request));
  client.resume();
  client.on('end', () => client.end());
});
