// A ZeroMQ DEALER over a Unix socket (ZMTP 3.0, mechanism NULL). Knows frames, not what is in them.

import net from "node:net";

const GREETING_SIZE = 64;
const LONG = 2, COMMAND = 4;

export class Dealer {
  constructor(endpoint, identity, onMessage, onClose) {
    this.onMessage = onMessage;
    this.identity = identity;
    this.received = Buffer.alloc(0);
    this.isGreeted = false;
    this.socket = net.connect(endpoint.replace("ipc://", ""));
    this.socket.on("connect", () => this.socket.write(greeting()));
    this.socket.on("data", (bytes) => this.read(bytes));
    this.socket.on("error", onClose);
    this.socket.on("close", onClose);
  }

  send(bytes) {
    this.socket.write(frame(0, bytes));
  }

  read(bytes) {
    this.received = Buffer.concat([this.received, bytes]);
    if (!this.isGreeted) {
      if (this.received.length < GREETING_SIZE) return;
      this.received = this.received.subarray(GREETING_SIZE);
      this.isGreeted = true;
      this.socket.write(frame(COMMAND, ready(this.identity)));
    }
    for (let found; (found = this.next()); ) {
      if (!(found.flags & COMMAND)) this.onMessage(found.body);
      else if (found.body.toString("latin1", 1, 6) === "READY") this.onMessage(null);
    }
  }

  next() {
    const isLong = this.received.length && this.received[0] & LONG;
    const head = isLong ? 9 : 2;
    if (this.received.length < head) return null;
    const size = isLong ? Number(this.received.readBigUInt64BE(1)) : this.received[1];
    if (this.received.length < head + size) return null;
    const found = { flags: this.received[0], body: this.received.subarray(head, head + size) };
    this.received = this.received.subarray(head + size);
    return found;
  }
}

function greeting() {
  const bytes = Buffer.alloc(GREETING_SIZE);
  bytes[0] = 0xff;
  bytes[9] = 0x7f;
  bytes[10] = 3;
  bytes.write("NULL", 12);
  return bytes;
}

function ready(identity) {
  return Buffer.concat([Buffer.from("\x05READY"), property("Socket-Type", "DEALER"), property("Identity", identity)]);
}

function property(name, value) {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(Buffer.byteLength(value));
  return Buffer.concat([Buffer.from([name.length]), Buffer.from(name), size, Buffer.from(value)]);
}

function frame(flags, body) {
  const head = Buffer.alloc(9);
  head[0] = flags | LONG;
  head.writeBigUInt64BE(BigInt(body.length), 1);
  return Buffer.concat([head, body]);
}
