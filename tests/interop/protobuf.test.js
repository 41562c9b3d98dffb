import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import {FlareClient} from './flare_client.js';
import {startServer} from './server.js';

const HANDLED = 1;
const SESSION_UNKNOWN = 205;
let server;
before(async () => { server = await startServer(); });
after(() => server.stop());

test('A handshake, a message, its receipt and the reply', {timeout: 60_000}, async () => {
  const client = new FlareClient(server.url, 'node_user', 'laptop');
  const welcome = await client.connect();
  assert.equal(welcome.user, 'node_user');
  assert.equal(welcome.secret.length, 32);
  const id = client.send('server', 'chat', '你好');
  await client.until(() => client.receipts.has(id) && client.messages.length === 1);
  assert.equal(client.receipts.get(id).status, HANDLED);
  assert.equal(client.messages[0].type, 'chat_response');
  assert.equal(client.messages[0].from, 'server');
  assert.ok(Math.abs(Number(client.messages[0].serverTimeMs) - Date.now()) < 3_600_000);
  assert.equal(Buffer.from(client.messages[0].payload).toString(), '收到聊天消息: 你好');
  client.sayGoodbye();
  await client.until(() => client.goodbye !== undefined);
  assert.equal(client.goodbye.code, 0);
});

test('What a message says beside its payload reaches the other user as it was said', {timeout: 60_000}, async () => {
  const ann = new FlareClient(server.url, 'node_ann', 'laptop');
  const bob = new FlareClient(server.url, 'node_bob', 'laptop');
  await ann.connect();
  await bob.connect();
  ann.send('node_bob', 'chat', 'yes', 0, {replyTo: 7, flags: 1, mentions: ['node_bob', 'eve']});
  await bob.until(() => bob.messages.length === 1);
  const {about} = bob.messages[0];
  assert.equal(Number(about.replyTo), 7);
  assert.equal(about.flags, 1);
  assert.deepEqual(about.mentions, ['node_bob', 'eve']);
  await ann.cut();
  await bob.cut();
});

test('A session outlives its connection: 300 numbered messages, cut twice, none lost, repeated or reordered', {timeout: 60_000}, async () => {
  const client = new FlareClient(server.url, 'node_cut', 'laptop');
  const first = await client.connect();
  const ids = [];
  for (let n = 0; n < 300; ++n) {
    ids.push(client.send('server', 'count', String(n)));
    if (n === 99 || n === 199) {
      await client.until(() => client.messages.length >= n - 60);
      await client.cut();
    }
    if (n === 109 || n === 209) {
      const again = await client.connect();  // ten messages were numbered while there was no connection
      assert.deepEqual(again.sessionId, first.sessionId);
      assert.equal(again.outcome, 1);
      assert.equal(again.secret.length, 0, 'the secret travels once');
    }
  }
  await client.until(() => client.messages.length >= 300 && ids.every((id) => client.receipts.has(id)));
  assert.deepEqual(client.messages.map((m) => Buffer.from(m.payload).toString()), ids.map((_, n) => String(n)));
  client.sayGoodbye();
  await client.until(() => client.goodbye !== undefined);
});

test('A big reply comes in chunks', {timeout: 60_000}, async () => {
  const client = new FlareClient(server.url, 'node_big', 'laptop');
  await client.connect();
  // The request stays below the chunk threshold; the reply has a longer prefix and does not.
  const id = client.send('server', 'chat', 'x'.repeat(65_530));
  await client.until(() => client.receipts.has(id) && client.messages.length === 1);
  assert.equal(client.messages[0].payload.length, Buffer.byteLength('收到聊天消息: ') + 65_530);
  await client.cut();
});

test('After the server process was killed: session unknown, a new session on the same connection', {timeout: 60_000}, async () => {
  const doomed = await startServer();
  const client = new FlareClient(doomed.url, 'node_crash', 'laptop');
  await client.connect();
  const id = client.send('server', 'count', '1');
  await client.until(() => client.receipts.has(id));
  const closed = new Promise((resolve) => client.socket.once('close', resolve));
  await doomed.kill();
  await closed;
  const reborn = await startServer(doomed.port);
  await assert.rejects(client.connect(), (error) => error.refused?.code === SESSION_UNKNOWN);
  client.session = null;
  const welcomed = new Promise((resolve) => { client.onWelcome = resolve; });
  const {Frame} = await import('./flare_client.js');
  client.socket.send(Frame.encodeDelimited(Frame.fromObject({hello: client.hello()})).finish());
  assert.equal((await welcomed).outcome, 0);
  const again = client.send('server', 'count', '2');
  await client.until(() => client.receipts.has(again));
  await client.cut();
  await reborn.stop();
});

test('A forged resume proof is refused', {timeout: 60_000}, async () => {
  const client = new FlareClient(server.url, 'node_forger', 'laptop');
  await client.connect();
  await client.cut();
  client.session.secret = Buffer.alloc(32);
  await assert.rejects(client.connect(), (error) => error.refused?.code === 208);
});
