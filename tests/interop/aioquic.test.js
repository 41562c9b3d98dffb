// QUIC against an implementation that shares no code with ours: aioquic, in Python, in both roles.
import assert from 'node:assert/strict';
import {execFile, spawn, spawnSync} from 'node:child_process';
import {cpSync, mkdtempSync, rmSync} from 'node:fs';
import {dirname, join} from 'node:path';
import test from 'node:test';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {freePort, startServer} from './server.js';

const here = dirname(fileURLToPath(import.meta.url));
const project = join(here, '../..');
const folder = join(project, 'build/aioquic');
const install = spawnSync(join(here, 'aioquic/install.sh'), [folder], {encoding: 'utf8', timeout: 180_000});
const skip = install.status === 0 ? false : (install.stderr.trim() || 'aioquic cannot be had');

// The peer sees its root folder alone: what it reads is copied there.
function peer(...args) {
  const work = mkdtempSync(join(folder, 'root/work/'));
  for (const name of ['ca.crt', 'server.crt', 'server.key']) cpSync(join(project, 'certs', name), join(work, name));
  cpSync(join(here, 'aioquic/peer.py'), join(work, 'peer.py'));
  const inside = work.slice(join(folder, 'root').length);
  const full = args.map((each) => each.replace('@', `${inside}/`));
  const child = spawn('chroot', [join(folder, 'root'), '/usr/bin/python3.13', `${inside}/peer.py`, ...full], {stdio: ['ignore', 'pipe', 'pipe']});
  let said = '';
  const lines = () => said.trim().split('\n');
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { said += text; });
  const done = new Promise((resolve) => child.once('close', () => { rmSync(work, {recursive: true}); resolve(lines()); }));
  return {child, lines, done};
}

test('aioquic as a client: messages, a key update, another connection id, a second connection with early data', {skip}, async (t) => {
  const quicPort = await freePort();
  const server = await startServer(0, ['--quic-addr', `127.0.0.1:${quicPort}`, '--workers', '1']);
  t.after(() => server.stop());
  assert.deepEqual(await peer('client', `${quicPort}`, '@ca.crt').done, [
    'connected flare-core',
    'welcome python',
    'answer chat_response 收到聊天消息: one',
    'answer chat_response 收到聊天消息: with new keys',
    'answer chat_response 收到聊天消息: with another connection id',
    'pong 7',
    'resumed True, early data accepted True',
    'welcome python again',
  ]);
  assert.equal((await peer('client', `${quicPort}`, '@ca.crt', 'h3').done).at(-1), 'refused', 'another application protocol');
  assert.equal((await peer('client', `${quicPort}`, '@server.crt').done).at(-1), 'refused', 'not an authority that it trusts');
});

test('aioquic as a server: hello, three messages and their receipts, goodbye', {skip}, async (t) => {
  const port = await freePort();
  const server = peer('server', `${port}`, '@server.crt', '@server.key');
  t.after(() => { server.child.kill(); return server.done; });
  for (let i = 0; i < 100 && !server.lines().includes('listening'); ++i) await new Promise((resolve) => setTimeout(resolve, 50));
  const binary = process.env.FLARE_CLIENT ?? join(project, 'build/asan/tests/interop_client');
  const {stdout} = await promisify(execFile)(binary, [`quic://127.0.0.1:${port}`, join(project, 'certs/ca.crt')], {timeout: 30_000});
  assert.match(stdout, /^3 replies$/m);
  assert.deepEqual(server.lines(), ['listening', 'hello interop', 'message message 0', 'message message 1', 'message message 2']);
});
