// The schemas of requests and feeds, read by protobufjs, against docs/vectors/requests: what any SDK would do with it. No server.
import assert from 'node:assert/strict';
import {readdirSync, readFileSync} from 'node:fs';
import {test} from 'node:test';
import {fileURLToPath} from 'node:url';
import protobuf from 'protobufjs';

const folder = (path) => fileURLToPath(new URL(path, import.meta.url));
const root = new protobuf.Root();
root.resolvePath = (_, target) => target.startsWith('flare/') ? folder(`../../proto/${target}`) : target;
root.loadSync('flare/im/v1/feeds.proto');
root.loadSync('flare/im/v1/signals.proto');

function readVector(name) {
  const vector = {hex: ''};
  for (const line of readFileSync(folder(`../../docs/vectors/requests/${name}`), 'utf8').split('\n')) {
    const colon = line.indexOf(': ');
    const key = line.slice(0, colon);
    if (key === 'hex') vector.hex += line.slice(colon + 2);
    else if (colon > 0) vector[key] = line.slice(colon + 2);
  }
  return vector;
}

test('Bodies of requests are read, shown as JSON and written again', () => {
  const names = readdirSync(folder('../../docs/vectors/requests')).filter((name) => !name.startsWith('bad-'));
  assert.ok(names.length >= 10);
  for (const name of names) {
    const vector = readVector(name);
    const type = root.lookupType(`flare.im.v1.${vector.message}`);
    const bytes = Buffer.from(vector.hex, 'hex');
    const message = type.decode(bytes);
    const json = type.toObject(message, {longs: String, enums: String, bytes: String});
    assert.deepEqual(JSON.parse(JSON.stringify(json)), JSON.parse(vector.json), name);
    assert.equal(Buffer.from(type.encode(message).finish()).toString('hex'), vector.hex, name);
  }
});
