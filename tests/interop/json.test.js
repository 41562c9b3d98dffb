// What a person could type with wscat on the subprotocol flare.v1.json.
import assert from 'node:assert/strict';
import {after, before, test} from 'node:test';
import WebSocket from 'ws';
import {startServer} from './server.js';

let server;
before(async () => { server = await startServer(); });
after(() => server.stop());

function open(url) {
  const socket = new WebSocket(url, 'flare.v1.json');
  const frames = [];
  let wake = () => {};
  socket.on('message', (text, binary) => {
    assert.equal(binary, false);
    const parsed = JSON.parse(text);
    frames.push(...(Array.isArray(parsed) ? parsed : [parsed]));
    wake();
  });
  const until = async (predicate) => {
    while (!frames.some(predicate)) await new Promise((resolve) => { wake = resolve; });
    return frames.find(predicate);
  };
  return new Promise((resolve, reject) => socket.once('open', () => resolve({socket, until})).once('error', reject));
}

test('One hello and one message typed by hand get their JSON answers', {timeout: 60_000}, async () => {
  const {socket, until} = await open(server.url);
  socket.send('{"hello":{"version":1,"user":"ann","device":"terminal"}}');
  const {welcome} = await until((frame) => frame.welcome);
  assert.equal(welcome.user, 'ann');
  assert.equal(Buffer.from(welcome.ticket, 'base64').length, 36);
  socket.send('[{"activate":{"epoch":2}},{"seq":1,"data":{"message":{"type":"chat","to":"server","text":"hi"}}}]');
  const reply = await until((frame) => frame.data?.message);
  assert.equal(reply.data.message.type, 'chat_response');
  assert.equal(reply.data.message.text, '收到聊天消息: hi');
  assert.equal(reply.data.from, 'server');
  assert.ok(Math.abs(Number(reply.data.serverTimeMs) - Date.now()) < 3_600_000);
  assert.equal(reply.data.receipt.status, 'RECEIPT_STATUS_HANDLED');
  socket.close();
});

test('JSON that is not a frame closes with malformed_json and says why', {timeout: 60_000}, async () => {
  const {socket} = await open(server.url);
  const closed = new Promise((resolve) => socket.once('close', (code, reason) => resolve({code, reason: String(reason)})));
  socket.send('{"hello":{"version":"one"}}');
  const {code, reason} = await closed;
  assert.equal(code, 4116);
  assert.match(reason, /version/);
});

test('A binary message on the text subprotocol is refused', {timeout: 60_000}, async () => {
  const {socket} = await open(server.url);
  const closed = new Promise((resolve) => socket.once('close', (code) => resolve(code)));
  socket.send(Buffer.from([0]));
  assert.equal(await closed, 1003);
});

test('Neither subprotocol offered: the upgrade is refused with 400 and both names', {timeout: 60_000}, async () => {
  const status = await new Promise((resolve) => {
    const socket = new WebSocket(server.url);
    socket.once('unexpected-response', (_, response) => {
      let body = '';
      response.on('data', (part) => { body += part; });
      response.on('end', () => resolve({status: response.statusCode, body}));
    });
    socket.once('error', () => {});
  });
  assert.equal(status.status, 400);
  assert.match(status.body, /flare\.v1/);
  assert.match(status.body, /flare\.v1\.json/);
});
