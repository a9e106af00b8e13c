/**
 * Records of a TensorBoard event file.
 *
 * A file is TFRecords, each `length uint64 · masked CRC-32C of length · data · masked CRC-32C of data`, little endian
 * (tensorflow/core/lib/io/record_writer.h). The data is a protobuf `Event` (tensorflow/core/util/event.proto):
 *
 * ```
 * Event { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; SessionLog session_log = 7 }
 * Summary { repeated Value { string tag = 1; float simple_value = 2 } value = 1 }     SessionLog { status START = 1 }
 * ```
 *
 * Defaults (step 0) are left out, as proto3 does.
 */
import { ProtobufWriter } from '../../shared/onnx/protobuf-writer.js';
import { maskedCrc32c } from './crc32c.js';

/** The record every file begins with. `wallTime` in seconds since 1970. */
export function fileVersionRecord(wallTime: number): Uint8Array {
  return tfRecord(new ProtobufWriter().double(1, wallTime).string(3, 'brain.Event:2').finish());
}

/** Tells readers that the run goes on from `step`: what they hold of this and later steps is void. */
export function sessionStartRecord(wallTime: number, step: number): Uint8Array {
  return tfRecord(event(wallTime, step).message(7, new ProtobufWriter().int(1, 1)).finish());
}

/** One point of each curve in `scalars` (tag to value, kept as float32). */
export function scalarsRecord(
  wallTime: number,
  step: number,
  scalars: Readonly<Record<string, number>>,
): Uint8Array {
  const summary = new ProtobufWriter();
  for (const [tag, value] of Object.entries(scalars)) {
    summary.message(1, new ProtobufWriter().string(1, tag).float(2, value));
  }
  return tfRecord(event(wallTime, step).message(5, summary).finish());
}

function event(wallTime: number, step: number): ProtobufWriter {
  const writer = new ProtobufWriter().double(1, wallTime);
  return step === 0 ? writer : writer.int(2, step);
}

/** Frames one record. */
export function tfRecord(data: Uint8Array): Uint8Array {
  const record = Buffer.alloc(data.byteLength + 16);
  record.writeBigUInt64LE(BigInt(data.byteLength), 0);
  record.writeUInt32LE(maskedCrc32c(record.subarray(0, 8)), 8);
  record.set(data, 12);
  record.writeUInt32LE(maskedCrc32c(data), 12 + data.byteLength);
  return record;
}
