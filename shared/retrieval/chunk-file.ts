/** Reads and writes `chunks.jsonl`: one chunk a line, each held to the schema. */
import { readFile } from 'node:fs/promises';
import { Compile } from 'typebox/compile';
import { HaetaeError } from '../errors.js';
import { Chunk } from './chunk.js';

const validator = Compile(Chunk);

/** @throws HaetaeError FILE_NOT_FOUND, or INDEX_INVALID naming the line. */
export async function readChunks(path: string): Promise<Chunk[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new HaetaeError(
      'FILE_NOT_FOUND',
      `${path} cannot be read. Make it with: haetae train prepare`,
      { path },
      { cause: error },
    );
  });
  const chunks: Chunk[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '') continue;
    chunks.push(parseLine(line, `${path} line ${index + 1}`));
  }
  return chunks;
}

export function formatChunks(chunks: readonly Chunk[]): string {
  return chunks.map((chunk) => `${JSON.stringify(chunk)}\n`).join('');
}

function parseLine(line: string, where: string): Chunk {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new HaetaeError(
      'INDEX_INVALID',
      `${where} is not JSON. Make the file again with: haetae train prepare --force`,
      {},
      { cause: error },
    );
  }
  if (validator.Check(value)) return value;
  const [first] = validator.Errors(value);
  throw new HaetaeError(
    'INDEX_INVALID',
    `${where} is not a chunk: ${first?.instancePath || '/'} ${first?.message ?? ''}. Make the file again with: haetae train prepare --force`,
  );
}
