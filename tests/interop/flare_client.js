// A small Flare client over WebSocket, written from proto/flare/v1/frame.proto and docs/protocol.md alone.
import {createHmac, randomBytes, randomUUID} from 'node:crypto';
import {fileURLToPath} from 'node:url';
import protobuf from 'protobufjs';
import WebSocket from 'ws';

const schema = protobuf.loadSync(fileURLToPath(new URL('../../proto/flare/v1/frame.proto', import.meta.url)));
export const Frame = schema.lookupType('flare.v1.Frame');
const Data = schema.lookupType('flare.v1.Data');
const NUMBERED = ['data', 'chunk', 'receipt', 'request', 'response', 'feed'];

export const uuidBytes = () => Buffer.from(randomUUID().replaceAll('-', ''), 'hex');
const number = (value) => Number(value ?? 0);

function encodeBatch(frames) {
  // encodeDelimited puts the varint length in front: that is all a batch is.
  return Buffer.concat(frames.map((frame) => Frame.encodeDelimited(Frame.fromObject(frame)).finish()));
}

// Does a frame (without its length) hold a body that version 1 had to know? protobufjs drops what it does not know without a
// word: hints, which is right, and these.
function hasUnknownKind(frame) {
  let unknown = false;
  for (const reader = protobuf.Reader.create(frame); reader.pos < reader.len;) {
    const tag = reader.uint32();
    const isBody = tag >>> 3 >= 10 && tag >>> 3 <= 99 && (tag & 7) === 2;
    if (isBody && Frame.fieldsById[tag >>> 3]) return false;
    unknown ||= isBody;
    reader.skipType(tag & 7);
  }
  return unknown;
}

export function* decodeBatch(bytes) {
  for (const reader = protobuf.Reader.create(bytes); reader.pos < reader.len;) {
    const frame = reader.bytes();
    if (hasUnknownKind(frame)) throw new Error('unexpected_frame');
    const decoded = Frame.decode(frame);
    const isNumbered = NUMBERED.includes(decoded.body);  // the name of the body that is there
    if (isNumbered !== (number(decoded.seq) !== 0)) throw new Error('malformed_frame');
    yield decoded;
  }
}

export class FlareClient {
  constructor(url, user, device) {
    Object.assign(this, {url, user, device, epoch: 0, session: null, messages: [], receipts: new Map(), waiting: []});
  }

  // Opens a WebSocket and says Hello: resumes when there is a session, else makes one. Resolves with Welcome,
  // rejects with Refused or with the WebSocket's end.
  async connect() {
    this.attempt = randomBytes(16);
    this.socket = new WebSocket(this.url, 'flare.v1');
    this.socket.binaryType = 'nodebuffer';
    await new Promise((resolve, reject) => this.socket.once('open', resolve).once('error', reject));
    if (this.seal) this.socket = await this.seal(this.socket);
    const welcomed = new Promise((resolve, reject) => {
      this.onWelcome = resolve;
      this.onRefused = reject;
      this.socket.once('close', (code, reason) => reject(new Error(`closed ${code} ${reason}`)));
    });
    this.socket.on('message', (bytes, binary) => {
      if (!binary) throw new Error('a text message on flare.v1');
      for (const frame of decodeBatch(bytes)) this.receive(frame);
    });
    this.socket.send(encodeBatch([{hello: this.hello()}]));
    return welcomed;
  }

  hello() {
    const hello = {version: 1, user: this.user, device: this.device, platform: 3, attemptId: this.attempt, epoch: ++this.epoch};
    const epoch = Buffer.alloc(8);
    epoch.writeBigUInt64BE(BigInt(this.epoch));
    if (this.session === null) return {...hello, token: '', ...this.ticketProof(epoch)};
    const {ticket, secret} = this.session;
    const nonce = randomBytes(16);
    const proven = Buffer.concat([Buffer.from('flare resume 1'), ticket, epoch, nonce, this.attempt]);
    const mac = createHmac('sha256', secret).update(proven).digest();
    return {...hello, resume: {ticket, nonce, mac}, received: this.laneStates()};
  }

  // A server that was started again has asked for a proof of the lost session's ticket, made for this connection.
  ticketProof(epoch) {
    if (this.asked === undefined) return {};
    const {challenge, ticket, secret} = this.asked;
    this.asked = undefined;
    const proven = Buffer.concat([Buffer.from('flare ticket proof 1'), ticket, challenge, epoch, this.attempt]);
    return {ticketProof: createHmac('sha256', secret).update(proven).digest()};
  }

  laneStates() {
    return this.session.lanes.map((lane, index) => ({
      lane: index, received: lane.received, maxSeq: lane.received + 2500, maxBytes: lane.consumed + (1 << 20),
    }));
  }

  receive(frame) {
    if (frame.welcome) return this.welcomed(frame.welcome);
    const challenge = frame.refused?.challenge ?? [];
    if (challenge.length !== 0 && this.session !== null) this.asked = {challenge, ...this.session};
    if (frame.refused) return this.onRefused(Object.assign(new Error(frame.refused.text), {refused: frame.refused}));
    for (const ack of frame.acks) {
      const lane = this.session.lanes[ack.lane];
      lane.sent = lane.sent.filter(({seq}) => seq > number(ack.received));
    }
    if (number(frame.seq) !== 0) this.receiveNumbered(frame);
    if (frame.goodbye) this.goodbye = frame.goodbye;
    this.wake();
  }

  receiveNumbered(frame) {
    const lane = this.session.lanes[frame.lane];
    const seq = number(frame.seq);
    if (seq < lane.received + 1) return;  // a replay of what we have
    if (seq > lane.received + 1) throw new Error(`lane ${frame.lane}: expected ${lane.received + 1}, got ${seq}`);
    lane.received = seq;
    if (frame.chunk) {
      lane.chunks ??= [];
      lane.chunks.push(frame.chunk.part);
      lane.consumed += frame.chunk.part.length;
      if (number(frame.chunk.total) !== 0) lane.total = number(frame.chunk.total);
      if (lane.chunks.reduce((sum, part) => sum + part.length, 0) < lane.total) return;
      this.receiveData(Data.decode(Buffer.concat(lane.chunks)), lane, 0);
      lane.chunks = null;
    } else if (frame.data) {
      this.receiveData(frame.data, lane, frame.data.message?.payload.length ?? 0);
    } else if (frame.receipt) {
      this.keepReceipt(frame.receipt);
    }
  }

  receiveData(data, lane, cost) {
    lane.consumed += cost;
    if (data.receipt) this.keepReceipt(data.receipt);
    if (data.message) this.messages.push({from: data.from, serverTimeMs: data.serverTimeMs, ...data.message});
  }

  keepReceipt(receipt) {
    this.receipts.set(Buffer.from(receipt.messageId).toString('hex'), receipt);
  }

  welcomed(welcome) {
    if (this.session === null) {
      const lane = () => ({next: 1, received: 0, consumed: 0, sent: []});
      this.session = {id: welcome.sessionId, secret: welcome.secret, lanes: Array.from({length: welcome.lanes}, lane)};
    }
    this.session.ticket = welcome.ticket;
    const frames = [{activate: {epoch: ++this.epoch}}];
    for (const {lane, received} of welcome.received) {
      const kept = this.session.lanes[lane];
      kept.sent = kept.sent.filter(({seq}) => seq > number(received));
      frames.push(...kept.sent);  // whatever the server does not have goes out again, with the same numbers
    }
    this.socket.send(encodeBatch(frames));
    this.onWelcome(welcome);
  }

  // Gives the message a number and sends it, if there is a connection. Returns its id in hex.
  send(to, type, payload, lane = 0, about = undefined) {
    const id = uuidBytes();
    const state = this.session.lanes[lane];
    const frame = {
      lane, seq: state.next++,
      data: {message: {id, type, payload: Buffer.from(payload), timestampMs: Date.now(), to, ...(about && {about})}},
    };
    state.sent.push(frame);
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(encodeBatch([frame]));
    return id.toString('hex');
  }

  acknowledge() {
    this.socket.send(encodeBatch([{acks: this.laneStates()}]));
  }

  // Resolves when `condition()` is true; it is looked at after every frame.
  until(condition) {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push({condition, resolve}));
  }

  wake() {
    this.waiting = this.waiting.filter(({condition, resolve}) => !condition() || (resolve(), false));
  }

  // Cuts the TCP connection, without a closing handshake.
  async cut() {
    const closed = new Promise((resolve) => this.socket.once('close', resolve));
    this.socket.terminate();
    await closed;
  }

  sayGoodbye() {
    const final = this.session.lanes.map((lane, index) => ({lane: index, received: lane.next - 1}));
    this.socket.send(encodeBatch([{acks: this.laneStates(), goodbye: {sessionEnds: true, final}}]));
  }
}
