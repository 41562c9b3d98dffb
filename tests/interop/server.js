// Starts the ready server example on a free port of 127.0.0.1 and waits until it is ready.
import {spawn} from 'node:child_process';
import {createServer} from 'node:net';
import {fileURLToPath} from 'node:url';

const binary = process.env.FLARE_SERVER ?? fileURLToPath(new URL('../../build/asan/examples/server_example', import.meta.url));

export function freePort() {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const {port} = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

export async function startServer(port = 0, options = ['--workers', '2', '--no-quic']) {
  port ||= await freePort();
  const process_ = spawn(binary, ['--websocket-addr', `127.0.0.1:${port}`, ...options], {cwd: fileURLToPath(new URL('../..', import.meta.url)), stdio: ['ignore', 'ignore', 'inherit']});
  let ended = false;
  const exited = new Promise((resolve) => process_.once('exit', (code) => { ended = true; resolve(code); }));
  for (let i = 0; ; ++i) {
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`).then((r) => r.ok, () => false);
    if (ready) break;
    if (ended || i === 300) throw new Error(`${binary} did not become ready on port ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    port,
    url: `ws://127.0.0.1:${port}/`,
    kill: async () => { process_.kill('SIGKILL'); await exited; },
    stop: async () => { process_.kill('SIGTERM'); return exited; },
  };
}
