/** The chunk of each vector, as a file of 32-bit little-endian numbers: entry i is the row of vector i. */
import { readFile, writeFile } from 'node:fs/promises';
import { HaetaeError } from '../errors.js';

/** @throws HaetaeError INDEX_INVALID where the file is missing or not a whole number of entries. */
export async function readVectorRows(path: string): Promise<Uint32Array> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new HaetaeError(
      'INDEX_INVALID',
      `${path} cannot be read. Build the index again with: haetae train index --force`,
      {},
      { cause: error },
    );
  });
  if (bytes.length % 4 !== 0) {
    throw new HaetaeError(
      'INDEX_INVALID',
      `${path} has ${bytes.length} bytes, no whole number of entries. Build the index again with: haetae train index --force`,
    );
  }
  return Uint32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readUInt32LE(4 * i));
}

export async function writeVectorRows(path: string, rows: Uint32Array): Promise<void> {
  const bytes = Buffer.alloc(rows.length * 4);
  for (const [i, row] of rows.entries()) bytes.writeUInt32LE(row, 4 * i);
  await writeFile(path, bytes);
}
