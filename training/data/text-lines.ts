/**
 * Lines of a UTF-8 file, plain or gzip (`.gz`), as a stream: memory holds one read of a megabyte and the longest
 * line, whatever the size of the file. LF or CRLF; a byte-order mark is dropped.
 */
import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { messageOf } from '../../shared/errors.js';
import { dataError } from './data-error.js';

export interface TextLines {
  /** Number of the first of these lines, from 1. */
  firstLine: number;
  /** Without their ends. */
  lines: string[];
}

/** A longer line is no record of a data file but a file of another kind, and would fill the memory. */
const maxLineBytes = 64 * 2 ** 20;
const readBytes = 2 ** 20;
const lineFeed = 0x0a;

export interface ReadLinesOptions {
  /** Names the file in messages. Default: its path. */
  name?: string;
  /** Called with the bytes of each read, as they are on disk. */
  onRead?: (bytes: number) => void;
}

/**
 * @throws HaetaeError TRAINING_DATA_INVALID where the file cannot be read or decompressed, is not UTF-8 (naming the
 * line), or has a line above 64 MiB.
 */
export async function* readTextLines(
  path: string,
  { name = path, onRead }: ReadLinesOptions = {},
): AsyncGenerator<TextLines> {
  let firstLine = 1;
  let carried: Buffer[] = [];
  let carriedBytes = 0;
  for await (const chunk of chunksOf(path, name, onRead)) {
    const end = chunk.lastIndexOf(lineFeed) + 1;
    if (end > 0) {
      const bytes = Buffer.concat([...carried, chunk.subarray(0, end)]);
      const lines = decodeLines(bytes, firstLine, name);
      // What is behind the last line feed is no line.
      lines.pop();
      yield { firstLine, lines };
      firstLine += lines.length;
      carried = [];
      carriedBytes = 0;
    }
    if (end < chunk.length) carried.push(chunk.subarray(end));
    carriedBytes += chunk.length - end;
    if (carriedBytes > maxLineBytes) {
      throw dataError(
        `${name}:${firstLine}`,
        `the line is longer than ${maxLineBytes / 2 ** 20} MiB.`,
        'Write one record, or one paragraph, to a line.',
      );
    }
  }
  if (carriedBytes > 0) yield { firstLine, lines: decodeLines(Buffer.concat(carried), firstLine, name) };
}

async function* chunksOf(
  path: string,
  name: string,
  onRead: (bytes: number) => void = () => {},
): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: readBytes });
  let reported = 0;
  // The callback only takes the error over from the streams: reading meets it again.
  const bytes: Readable = path.endsWith('.gz')
    ? pipeline(file, createGunzip({ chunkSize: readBytes }), () => {})
    : file;
  try {
    for await (const chunk of bytes) {
      onRead(file.bytesRead - reported);
      reported = file.bytesRead;
      yield chunk as Buffer;
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    const [what, remedy] = code.startsWith('Z_')
      ? ['the gzip data are damaged or cut off', 'Compress or copy the file again.']
      : ['the file cannot be read', 'Check its path and its rights.'];
    throw dataError(name, `${what} (${messageOf(error)}).`, remedy, error);
  }
}

function decodeLines(bytes: Buffer, firstLine: number, name: string): string[] {
  if (!isUtf8(bytes)) throw notUtf8(bytes, firstLine, name);
  const text = bytes.toString('utf8');
  const body = firstLine === 1 && text.startsWith('\ufeff') ? text.slice(1) : text;
  const lines = body.split('\n');
  return body.includes('\r') ? lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line)) : lines;
}

function notUtf8(bytes: Buffer, firstLine: number, name: string): Error {
  const mark = firstLine === 1 && bytes.length > 1 ? bytes.readUInt16BE(0) : 0;
  if (mark === 0xfffe || mark === 0xfeff) return dataError(name, 'the file is UTF-16.', 'Save it as UTF-8.');
  let line = firstLine;
  for (let start = 0; start < bytes.length; line++) {
    const end = bytes.indexOf(lineFeed, start);
    const next = end < 0 ? bytes.length : end + 1;
    if (!isUtf8(bytes.subarray(start, next))) break;
    start = next;
  }
  return dataError(`${name}:${line}`, 'the line is not UTF-8.', 'Save the file as UTF-8.');
}
