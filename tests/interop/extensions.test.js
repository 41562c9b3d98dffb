// What later versions may say, both ways: docs/protocol.md, "Extensions".
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {after, before, test} from 'node:test';
import WebSocket from 'ws';
import {decodeBatch, FlareClient} from './flare_client.js';
import {startServer} from './server.js';

const UNEXPECTED_FRAME = 4104;
const MALFORMED_FRAME = 4100;
const HINT = Buffer.from('07aa06040a026869', 'hex');  // field 101
const UNKNOWN_CAPABILITIES = 0xfffffff0;

let server;
before(async () => { server = await startServer(); });
after(() => server.stop());

const vector = (name) => Buffer.from(
  readFileSync(new URL(`../../docs/vectors/${name}.txt`, import.meta.url), 'utf8').match(/^hex: (.*)$/m)[1], 'hex');

test('This client passes over hints and refuses other kinds that it does not know', () => {
  const frames = [...decodeBatch(vector('hint'))];
  assert.deepEqual(frames.map((frame) => frame.ping && Number(frame.ping.id)), [1, null, 2]);
  assert.throws(() => [...decodeBatch(vector('bad-later-kind'))], /unexpected_frame/);
  assert.throws(() => [...decodeBatch(vector('bad-numbered-hint'))], /malformed_frame/);
  assert.equal([...decodeBatch(vector('unknown-fields'))].length, 1);
});

test('The server passes over hints and unknown fields, and grants no capability that it does not know', {timeout: 60_000}, async () => {
  const client = new FlareClient(server.url, 'node_later', 'laptop');
  const hello = client.hello.bind(client);
  client.hello = () => ({...hello(), capabilities: UNKNOWN_CAPABILITIES});
  const welcome = await client.connect();
  assert.equal(Number(welcome.capabilities) & UNKNOWN_CAPABILITIES, 0);
  client.socket.send(Buffer.concat([HINT, vector('unknown-fields'), HINT]));
  client.socket.send(HINT);
  const id = client.send('server', 'chat', 'after');
  await client.until(() => client.receipts.has(id) && client.messages.length === 1);
  client.sayGoodbye();
  await client.until(() => client.goodbye !== undefined);
});

for (const [name, code] of [['bad-later-kind', UNEXPECTED_FRAME], ['bad-numbered-hint', MALFORMED_FRAME]]) {
  test(`The server closes on ${name}`, {timeout: 60_000}, async () => {
    const client = new FlareClient(server.url, name, 'laptop');
    await client.connect();
    const closed = new Promise((resolve) => client.socket.once('close', resolve));
    client.socket.send(vector(name));
    assert.equal(await closed, code);
  });
}

test('In JSON a hint is told by its name', {timeout: 60_000}, async () => {
  const socket = new WebSocket(server.url, 'flare.v1.json');
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const closed = new Promise((resolve) => socket.once('close', (code, reason) => resolve({code, reason: String(reason)})));
  const replied = new Promise((resolve) => socket.on('message', (text) => { if (String(text).includes('chat_response')) resolve(); }));
  socket.send('{"hello":{"version":1,"user":"json_later","mood":"good"},"colour":3}');
  socket.send('{"activate":{"epoch":2}}');
  socket.send('[{"hintTyping":{"to":"ann"}},{"seq":1,"data":{"message":{"type":"chat","to":"server","text":"hi"}}}]');
  socket.send('{"hint_typing":[1,2]}');
  await Promise.race([replied, closed.then(assert.fail)]);
  socket.send('{"typing":{"to":"ann"}}');
  const {code, reason} = await closed;
  assert.equal(code, 4116);
  assert.match(reason, /typing: not a frame of version 1/);
});
