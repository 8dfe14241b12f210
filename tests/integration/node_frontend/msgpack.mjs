// MessagePack, as much of it as the wire uses. Knows no messages.

export function encode(value) {
  if (value === null) return Buffer.from([0xc0]);
  if (Buffer.isBuffer(value)) return sized(0xc6, value.length, value);
  if (typeof value === "string") return sized(0xdb, Buffer.byteLength(value), Buffer.from(value));
  if (Array.isArray(value)) return sized(0xdd, value.length, ...value.map(encode));
  return Number.isInteger(value) ? integer(value) : float(value);
}

function sized(tag, size, ...parts) {
  const head = Buffer.alloc(5);
  head[0] = tag;
  head.writeUInt32BE(size, 1);
  return Buffer.concat([head, ...parts]);
}

function integer(value) {
  const bytes = Buffer.alloc(9);
  bytes[0] = 0xd3;
  bytes.writeBigInt64BE(BigInt(value), 1);
  return bytes;
}

function float(value) {
  const bytes = Buffer.alloc(9);
  bytes[0] = 0xcb;
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

export function decode(bytes) {
  return new Reader(bytes).value();
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  value() {
    const tag = this.bytes[this.at++];
    if (tag < 0x80) return tag;
    if (tag < 0x90) return this.map(tag & 0x0f);
    if (tag < 0xa0) return this.array(tag & 0x0f);
    if (tag < 0xc0) return this.take(tag & 0x1f).toString();
    if (tag >= 0xe0) return tag - 0x100;
    return this.tagged(tag);
  }

  tagged(tag) {
    switch (tag) {
      case 0xc0: return null;
      case 0xc2: return false;
      case 0xc3: return true;
      case 0xc4: case 0xc5: case 0xc6: return this.take(this.unsigned(1 << (tag - 0xc4)));
      case 0xca: return this.take(4).readFloatBE();
      case 0xcb: return this.take(8).readDoubleBE();
      case 0xcc: case 0xcd: case 0xce: case 0xcf: return this.unsigned(1 << (tag - 0xcc));
      case 0xd0: case 0xd1: case 0xd2: return this.take(1 << (tag - 0xd0)).readIntBE(0, 1 << (tag - 0xd0));
      case 0xd3: return Number(this.take(8).readBigInt64BE());
      case 0xd9: case 0xda: case 0xdb: return this.take(this.unsigned(1 << (tag - 0xd9))).toString();
      case 0xdc: case 0xdd: return this.array(this.unsigned(2 << (tag - 0xdc)));
      case 0xde: case 0xdf: return this.map(this.unsigned(2 << (tag - 0xde)));
      default: throw new Error(`a byte that the wire does not use: ${tag}`);
    }
  }

  take(size) {
    return this.bytes.subarray(this.at, (this.at += size));
  }

  unsigned(size) {
    const bytes = this.take(size);
    return size === 8 ? Number(bytes.readBigUInt64BE()) : bytes.readUIntBE(0, size);
  }

  array(size) {
    return Array.from({ length: size }, () => this.value());
  }

  map(size) {
    return new Map(Array.from({ length: size }, () => [this.value(), this.value()]));
  }
}
