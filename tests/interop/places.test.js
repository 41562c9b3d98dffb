import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';
import {hash, lane, part, place} from './places.js';

test('A client in JavaScript computes the places and lanes of the vectors', () => {
  const lines = readFileSync(new URL('../../docs/vectors/places/places.txt', import.meta.url), 'utf8').trimEnd().split('\n');
  let name = '';
  let checks = 0;
  const each = (list, check) => list.split(' ').forEach((pair) => check(...pair.split('=').map(Number)));
  for (const line of lines) {
    const [, key, value] = /^([a-z-]+): (.*)$/.exec(line);
    if (key === 'name') name = value;
    if (key === 'home-hash') assert.equal(hash(name, 52), parseInt(value, 16), name);
    if (key === 'place') assert.equal(place(name), parseInt(value, 16), name);
    if (key === 'workers') each(value, (workers, worker) => assert.equal(part(place(name), workers), worker, name));
    if (key === 'lane-hash') assert.equal(hash(name, 2), parseInt(value, 16), name);
    if (key === 'lanes') each(value, (lanes, expected) => assert.equal(lane(name, lanes), expected, name));
    ++checks;
  }
  assert.ok(checks > 100);
});
