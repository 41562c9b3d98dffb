// Sealing, written from docs/protocol.md, "Sealing", docs/wire.md and the Noise specification alone: what a client in another
// language needs beside Node's own X25519, ChaCha20-Poly1305 and SHA-256.
import {X509Certificate, createCipheriv, createDecipheriv, createHash, createHmac, createPublicKey, diffieHellman, generateKeyPairSync, randomBytes, verify} from 'node:crypto';
import {isIP} from 'node:net';
import protobuf from 'protobufjs';

const PROLOGUE = Buffer.from('flare.v1 seal 1');
const TAG = 16;
const MAX_PIECE = 65_535 - TAG;

const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest();
const hmac = (key, ...parts) => createHmac('sha256', key).update(Buffer.concat(parts)).digest();
function hkdf(chain, material) {
  const temporary = hmac(chain, material);
  const first = hmac(temporary, Buffer.from([1]));
  return [first, hmac(temporary, first, Buffer.from([2]))];
}

const publicKey = (raw) => createPublicKey({key: {kty: 'OKP', crv: 'X25519', x: raw.toString('base64url')}, format: 'jwk'});
const rawOf = (key) => Buffer.from(key.export({format: 'jwk'}).x, 'base64url');

function nonceOf(number) {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64LE(BigInt(number), 4);
  return nonce;
}
function encrypt(key, number, plain, associated = Buffer.alloc(0)) {
  const cipher = createCipheriv('chacha20-poly1305', key, nonceOf(number), {authTagLength: TAG});
  cipher.setAAD(associated, {plaintextLength: plain.length});
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}
function decrypt(key, number, sealed, associated = Buffer.alloc(0)) {
  const text = sealed.subarray(0, sealed.length - TAG);
  const cipher = createDecipheriv('chacha20-poly1305', key, nonceOf(number), {authTagLength: TAG});
  cipher.setAAD(associated, {plaintextLength: text.length});
  cipher.setAuthTag(sealed.subarray(text.length));
  return Buffer.concat([cipher.update(text), cipher.final()]);
}

// Noise_NK_25519_ChaChaPoly_SHA256, the client's half.
class Handshake {
  constructor(server) {
    this.ephemeral = generateKeyPairSync('x25519');
    this.server = server;
    this.chain = this.hash = Buffer.from('Noise_NK_25519_ChaChaPoly_SHA256');
    this.mix(PROLOGUE);
    this.mix(server);
  }
  mix(data) { this.hash = sha256(this.hash, data); }
  agree(theirs) { [this.chain, this.key] = hkdf(this.chain, diffieHellman({privateKey: this.ephemeral.privateKey, publicKey: publicKey(theirs)})); }
  write() {
    const own = rawOf(this.ephemeral.publicKey);
    this.mix(own);
    this.agree(this.server);
    const sealed = encrypt(this.key, 0, Buffer.alloc(0), this.hash);
    this.mix(sealed);
    return Buffer.concat([own, sealed]);
  }
  read(message) {
    const theirs = message.subarray(0, 32);
    this.mix(theirs);
    this.agree(theirs);
    decrypt(this.key, 0, message.subarray(32), this.hash);
    return hkdf(this.chain, Buffer.alloc(0));  // what the client sends with, what the server sends with
  }
}

// A WebSocket on which everything is sealed; has what FlareClient uses of one.
class SealedSocket {
  constructor(socket, Frame, [send, receive]) {
    Object.assign(this, {socket, Frame, keys: {send, receive}, sent: 0, received: 0});
  }
  get readyState() { return this.socket.readyState; }
  once(...what) { this.socket.once(...what); return this; }
  terminate() { this.socket.terminate(); }
  send(batch) {
    const frames = [];
    for (let at = 0; at < batch.length; at += MAX_PIECE) {
      const nonce = this.sent++ * 64 + (at + MAX_PIECE < batch.length ? 32 : 0);
      const ciphertext = encrypt(this.keys.send, nonce, batch.subarray(at, at + MAX_PIECE));
      frames.push(this.Frame.encodeDelimited(this.Frame.fromObject({sealed: {nonce, ciphertext}})).finish());
    }
    this.socket.send(Buffer.concat(frames));
  }
  on(event, handler) {
    if (event !== 'message') throw new Error(event);
    this.socket.on('message', (bytes, binary) => handler(this.open(bytes), binary));
    return this;
  }
  open(bytes) {
    const reader = protobuf.Reader.create(bytes);
    const pieces = [];
    let more = false;
    while (reader.pos < reader.len) {
      const {sealed} = this.Frame.decodeDelimited(reader);
      const nonce = Number(sealed.nonce);
      more = (nonce & 32) !== 0;
      if (nonce - (more ? 32 : 0) !== this.received++ * 64) throw new Error(`unexpected nonce ${nonce}`);
      pieces.push(decrypt(this.keys.receive, nonce, Buffer.from(sealed.ciphertext)));
    }
    if (more) throw new Error('the end of a batch is missing');
    return Buffer.concat(pieces);
  }
}

function certificatesOf(der) {
  const found = [];
  while (der.length > 0) {
    const size = der[1] < 0x80 ? 2 + der[1] : 2 + (der[1] & 0x7f) + der.readUIntBE(2, der[1] & 0x7f);
    found.push(new X509Certificate(der.subarray(0, size)));
    der = der.subarray(size);
  }
  return found;
}

// Seals a WebSocket that has just been opened. `trust`: {key} (32 bytes, pinned) or {authority, name} (a CA in PEM).
export async function seal(socket, Frame, trust) {
  const say = (body) => socket.send(Frame.encodeDelimited(Frame.fromObject({seal: body})).finish());
  const answer = async () => {
    const bytes = await new Promise((resolve, reject) => socket.once('message', resolve).once('close', reject));
    const frame = Frame.decodeDelimited(bytes);
    if (!frame.seal) throw Object.assign(new Error(frame.refused?.text ?? 'no answer to Seal'), {refused: frame.refused});
    return frame.seal;
  };
  let {key} = trust;
  if (!key) {
    const nonce = randomBytes(32);
    say({nonce});
    const told = await answer();
    const [leaf] = certificatesOf(Buffer.from(told.certificates));
    const authority = new X509Certificate(trust.authority);
    if (!leaf.checkIssued(authority) || !leaf.verify(authority.publicKey)) throw new Error('not this authority');
    if (!(isIP(trust.name) ? leaf.checkIP(trust.name) : leaf.checkHost(trust.name))) throw new Error('not this name');
    const text = Buffer.concat([Buffer.alloc(64, ' '), Buffer.from('Flare 1, server sealing key\0'), nonce, Buffer.from(told.key)]);
    if (!verify('sha256', text, leaf.publicKey, Buffer.from(told.signature))) throw new Error('the signature is wrong');
    key = Buffer.from(told.key);
  }
  const handshake = new Handshake(key);
  say({handshake: handshake.write()});
  return new SealedSocket(socket, Frame, handshake.read(Buffer.from((await answer()).handshake)));
}
