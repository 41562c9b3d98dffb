// Where names belong, from docs/protocol.md ("Places") alone.
export function hash(name, seed) {
  const bytes = Buffer.from(name, 'utf8');
  const rotated = (value, bits) => (value << bits) | (value >>> (32 - bits));
  const mixed = (block) => Math.imul(rotated(Math.imul(block, 0xcc9e2d51), 15), 0x1b873593);
  const whole = bytes.length & ~3;
  let value = seed;
  for (let at = 0; at < whole; at += 4) {
    value = (Math.imul(rotated(value ^ mixed(bytes.readInt32LE(at)), 13), 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let at = bytes.length - 1; at >= whole; --at) tail = (tail << 8) | bytes[at];
  value ^= mixed(tail) ^ bytes.length;
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
export const part = (number, parts) => Math.floor((number * parts) / 65536);
export const place = (user) => hash(user, 52) >>> 16;
export const lane = (peer, lanes) => part(hash(peer, 2) >>> 16, lanes);
