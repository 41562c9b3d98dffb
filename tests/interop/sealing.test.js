import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {after, before, test} from 'node:test';
import {FlareClient, Frame} from './flare_client.js';
import {seal} from './sealing.js';
import {startServer} from './server.js';

const ENCRYPTION_UNAVAILABLE = 212;
const SERVER_KEY_MISMATCH = 220;
const certs = (name) => new URL(`../../certs/${name}`, import.meta.url);  // scripts/generate_certs.sh makes them
let server;
before(async () => { server = await startServer(0, ['--workers', '2', '--quic-addr', '127.0.0.1:0']); });
after(() => server.stop());

const pinned = () => ({key: Buffer.from(readFileSync(certs('sealing.pub'), 'utf8'), 'base64')});
const asked = (name) => ({authority: readFileSync(certs('ca.crt')), name});
const client = (url, user, trust) => Object.assign(new FlareClient(url, user, 'node'), {
  seal: (socket) => seal(socket, Frame, trust),
});

test('A sealed conversation: a message, its reply, a reply in chunks, and the session resumed on another connection', {timeout: 60_000}, async () => {
  const sealed = client(server.url, 'node_sealed', pinned());
  const welcome = await sealed.connect();
  const id = sealed.send('server', 'chat', '你好');
  await sealed.until(() => sealed.receipts.has(id) && sealed.messages.length === 1);
  assert.equal(Buffer.from(sealed.messages[0].payload).toString(), '收到聊天消息: 你好');
  sealed.send('server', 'chat', 'x'.repeat(65_530));
  await sealed.until(() => sealed.messages.length === 2);
  assert.equal(sealed.messages[1].payload.length, Buffer.byteLength('收到聊天消息: ') + 65_530);
  await sealed.cut();
  assert.deepEqual((await sealed.connect()).sessionId, welcome.sessionId);
  sealed.send('server', 'chat', 'again');
  await sealed.until(() => sealed.messages.length === 3);
  await sealed.cut();
});

test('The certificate vouches for the key', {timeout: 60_000}, async () => {
  const sealed = client(server.url, 'node_asks', asked('127.0.0.1'));
  await sealed.connect();
  sealed.send('server', 'chat', 'x');
  await sealed.until(() => sealed.messages.length === 1);
  await sealed.cut();
  await assert.rejects(client(server.url, 'node_asks', asked('chat.example.org')).connect(), /not this name/);
});

test('Another key than the server has is refused before Hello', {timeout: 60_000}, async () => {
  const other = client(server.url, 'node_wrong', {key: Buffer.alloc(32, 9)});
  await assert.rejects(other.connect(), (error) => error.refused?.code === SERVER_KEY_MISMATCH);
});

test('A server without a certificate does not tell its key, and serves those who know it', {timeout: 60_000}, async () => {
  const bare = await startServer();
  await assert.rejects(client(bare.url, 'node_bare', asked('127.0.0.1')).connect(), (error) => error.refused?.code === ENCRYPTION_UNAVAILABLE);
  const sealed = client(bare.url, 'node_bare', pinned());
  await sealed.connect();
  await sealed.cut();
  await bare.stop();
});
