/**
 * Protocol Buffers wire format, writing only.
 *
 * A message is a run of fields; a field is a varint key `(number << 3) | wireType`, then its value:
 * wire type 0 = varint, 1 = eight bytes, 2 = length-delimited (bytes, strings, messages), 5 = four bytes; both little
 * endian.
 * Negative integers are written as the 64-bit two's complement (ten bytes), as `int32` and `int64` want.
 * Parts are kept as they come and joined once, so a large tensor is not copied at every nesting level.
 */
export class ProtobufWriter {
  readonly #parts: Uint8Array[] = [];
  #byteLength = 0;

  get byteLength(): number {
    return this.#byteLength;
  }

  /** A varint field: int32, int64, enum or bool. Numbers must be safe integers. */
  int(field: number, value: number | bigint): this {
    if (typeof value === 'number' && !Number.isSafeInteger(value)) {
      throw new RangeError(`a protobuf integer must be a safe integer, got ${value}`);
    }
    return this.#key(field, 0).#append(varint(BigInt.asUintN(64, BigInt(value))));
  }

  /** A `float` field. */
  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.#key(field, 5).#append(bytes);
  }

  /** A `double` field. */
  double(field: number, value: number): this {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    return this.#key(field, 1).#append(bytes);
  }

  /** A `bytes` field. The bytes are kept by reference until `finish`. */
  bytes(field: number, value: Uint8Array): this {
    return this.#key(field, 2)
      .#append(varint(BigInt(value.byteLength)))
      .#append(value);
  }

  string(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  /** A nested message. */
  message(field: number, value: ProtobufWriter): this {
    this.#key(field, 2).#append(varint(BigInt(value.#byteLength)));
    for (const part of value.#parts) {
      this.#append(part);
    }
    return this;
  }

  /** The encoded message. */
  finish(): Uint8Array {
    const out = new Uint8Array(this.#byteLength);
    let offset = 0;
    for (const part of this.#parts) {
      out.set(part, offset);
      offset += part.byteLength;
    }
    return out;
  }

  #key(field: number, wireType: 0 | 1 | 2 | 5): this {
    return this.#append(varint(BigInt((field << 3) | wireType)));
  }

  #append(part: Uint8Array): this {
    this.#parts.push(part);
    this.#byteLength += part.byteLength;
    return this;
  }
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
