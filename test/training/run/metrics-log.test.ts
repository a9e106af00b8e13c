import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { MetricsLog, readMetrics, type StepMetrics } from '../../../training/run/metrics-log.js';

const start = Date.UTC(2026, 0, 2);

function metrics(step: number): StepMetrics {
  return {
    ...{ step, epoch: step / 4, tokens: step * 100, loss: 3 / step, gradNorm: 0.5, learningRate: 1e-3 },
    ...{ tokensPerSecond: 1000, seconds: step / 10 },
  };
}

interface ReadEvent {
  wallTime: number;
  step: number;
  fileVersion?: string;
  isStart?: boolean;
  values: Record<string, number>;
}

/** A second reader of the format, by the description of TFRecord and event.proto alone; checksums by bits. */
function readEvents(file: Buffer): ReadEvent[] {
  const events: ReadEvent[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    const data = file.subarray(at + 12, at + 12 + length);
    if (file.readUInt32LE(at + 8) !== masked(file.subarray(at, at + 8))) throw new Error('length checksum');
    if (file.readUInt32LE(at + 12 + length) !== masked(data)) throw new Error('data checksum');
    events.push(readEvent(data));
    at += 16 + length;
  }
  return events;
}

function masked(bytes: Uint8Array): number {
  let crc = 0xffffffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0x82f63b78n : crc >> 1n;
  }
  crc ^= 0xffffffffn;
  return Number((((crc >> 15n) | (crc << 17n)) + 0xa282ead8n) & 0xffffffffn);
}

/** Fields by number; of repeated ones all. */
function fields(bytes: Buffer): Map<number, (number | bigint | Buffer)[]> {
  const found = new Map<number, (number | bigint | Buffer)[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = Number(varint());
    let value: number | bigint | Buffer;
    switch (key & 7) {
      case 0:
        value = varint();
        break;
      case 1:
        value = bytes.readDoubleLE(at);
        at += 8;
        break;
      case 2: {
        const length = Number(varint());
        value = bytes.subarray(at, at + length);
        at += length;
        break;
      }
      case 5:
        value = bytes.readFloatLE(at);
        at += 4;
        break;
      default:
        throw new Error(`wire type ${key & 7}`);
    }
    found.set(key >> 3, [...(found.get(key >> 3) ?? []), value]);
  }
  return found;
}

function readEvent(data: Buffer): ReadEvent {
  const event = fields(data);
  const values: Record<string, number> = {};
  const [summary] = event.get(5) ?? [];
  for (const value of summary ? (fields(summary as Buffer).get(1) ?? []) : []) {
    const scalar = fields(value as Buffer);
    values[String(scalar.get(1)![0])] = scalar.get(2)![0] as number;
  }
  const [version] = event.get(3) ?? [];
  return {
    wallTime: event.get(1)![0] as number,
    step: Number(event.get(2)?.[0] ?? 0),
    ...(version ? { fileVersion: String(version) } : {}),
    ...(event.has(7) ? { isStart: fields(event.get(7)![0] as Buffer).get(1)![0] === 1n } : {}),
    values,
  };
}

async function eventFiles(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.startsWith('events.out.tfevents.')).sort();
}

t.test('steps and validations become curves that another reader understands', async (t) => {
  const folder = t.testdir({});
  const log = await MetricsLog.open(folder, null, () => start);
  await log.add({ ...metrics(1), beta: 1.25 });
  await log.add({ step: 1, validationLoss: 2.5, validationTokens: 70, seconds: 1 });
  await log.close();
  const [name, ...others] = await eventFiles(folder);
  t.strictSame(others, []);
  t.match(name, /^events\.out\.tfevents\.1767312000\.[\w.-]+$/);
  const events = readEvents(await readFile(join(folder, name!)));
  t.match(events[0], { wallTime: start / 1000, step: 0, fileVersion: 'brain.Event:2' });
  t.match(events[1], { step: 1, wallTime: start / 1000 });
  t.strictSame(events[1]!.values, {
    'progress/epoch': 0.25,
    'progress/tokens': 100,
    'loss/train': 3,
    'optimizer/gradNorm': 0.5,
    'optimizer/learningRate': Math.fround(1e-3),
    'speed/tokensPerSecond': 1000,
    'program/beta': 1.25,
  });
  t.strictSame(events[2]!.values, { 'loss/validation': 2.5 });
});

t.test('a resumed run cuts both files back and tells TensorBoard so', async (t) => {
  const folder = t.testdir({});
  const first = await MetricsLog.open(folder, null, () => start);
  await first.add(metrics(1));
  await first.add(metrics(2));
  const files = await first.positions();
  await first.add(metrics(3));
  await first.close();
  const second = await MetricsLog.open(folder, { step: 2, files }, () => start);
  await second.add({ ...metrics(3), loss: 9 });
  const later = await second.positions();
  await second.close();
  t.strictSame(
    (await readMetrics(folder)).map(({ step, loss }) => [step, loss]),
    [
      [1, 3],
      [2, 1.5],
      [3, 9],
    ],
  );
  const names = await eventFiles(folder);
  t.equal(names.length, 2, 'two files, though both were begun in the same second');
  const [old, fresh] = await Promise.all(
    names.map(async (name) => readEvents(await readFile(join(folder, name)))),
  );
  t.strictSame(
    old!.map(({ step }) => step),
    [0, 1, 2],
  );
  t.match(fresh![1], { step: 3, isStart: true });
  t.equal(fresh![2]!.values['loss/train'], 9);
  t.strictSame(Object.keys(later).sort(), ['metrics.jsonl', ...names].sort());
});

t.test('a run from its beginning starts with empty files', async (t) => {
  const folder = t.testdir({});
  for (let i = 0; i < 2; i++) {
    const log = await MetricsLog.open(folder, null, () => start + 5000 * i);
    await log.add(metrics(1));
    await log.close();
  }
  t.equal((await readMetrics(folder)).length, 1);
  t.equal((await eventFiles(folder)).length, 1);
});

t.test('a last line that was cut off is no line', async (t) => {
  const folder = t.testdir({});
  await writeFile(join(folder, 'metrics.jsonl'), '{"step":1,"loss":2}\n{"step":2,"lo');
  t.strictSame(await readMetrics(folder), [{ step: 1, loss: 2 }]);
  t.strictSame(await readMetrics(join(folder, 'nowhere')), []);
});
