/**
 * FAISS's file of a flat index, little-endian, without padding (faiss/impl/index_write.cpp, FAISS 1.7.3):
 *
 *     offset  bytes  field
 *          0      4  fourcc: `IxFI` inner product, `IxF2` squared L2
 *          4      4  d, int32
 *          8      8  ntotal, int64
 *         16     16  two dummies (2^20 each)
 *         32      1  is_trained
 *         33      4  metric_type, int32: 0 inner product, 1 L2 (above 1 a float metric_arg follows)
 *         37      8  number of floats = d · ntotal, uint64
 *         45      …  the vectors, float32, row-major
 */
import { open, rename, rm } from 'node:fs/promises';
import { HaetaeError, messageOf } from '../errors.js';

const headerBytes = 45;
const chunkBytes = 1 << 24;

export interface FlatMatrix {
  dimension: number;
  size: number;
  metric: 'inner-product' | 'l2';
  /** [size · dimension] */
  vectors: Float32Array;
}

function invalid(path: string, what: string): HaetaeError {
  return new HaetaeError(
    'INDEX_INVALID',
    `${path} is not a flat FAISS index: ${what}. Build the index again.`,
    {
      path,
    },
  );
}

/** Errors: FILE_NOT_FOUND; INDEX_INVALID for another kind of index or a damaged file. */
export async function readFlatFile(path: string): Promise<FlatMatrix> {
  const file = await open(path).catch((error: unknown) => {
    const absent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new HaetaeError(
      absent ? 'FILE_NOT_FOUND' : 'INDEX_INVALID',
      `cannot open the index: ${messageOf(error)}`,
    );
  });
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw invalid(path, 'it is not a file');
    const header = Buffer.alloc(headerBytes);
    const { bytesRead } = await file.read(header, 0, headerBytes, 0);
    const kind = header.toString('latin1', 0, 4);
    if (bytesRead < headerBytes || (kind !== 'IxFI' && kind !== 'IxF2'))
      throw invalid(
        path,
        `it starts with ${JSON.stringify(header.toString('latin1', 0, Math.min(4, bytesRead)))}`,
      );
    const dimension = header.readInt32LE(4);
    const size = Number(header.readBigInt64LE(8));
    const metric = header.readInt32LE(33);
    const floats = Number(header.readBigUInt64LE(37));
    if (dimension < 1 || size < 0 || size > 2 ** 31 - 1 || metric !== (kind === 'IxFI' ? 0 : 1))
      throw invalid(path, `dimension ${dimension}, size ${size} and metric ${metric} make no sense`);
    if (floats !== dimension * size || stat.size < headerBytes + 4 * floats)
      throw invalid(path, `${size} vectors of ${dimension} dimensions do not fit its ${stat.size} bytes`);
    const vectors = new Float32Array(floats);
    const bytes = new Uint8Array(vectors.buffer);
    for (let at = 0; at < bytes.length; ) {
      const read = await file.read(bytes, at, Math.min(chunkBytes, bytes.length - at), headerBytes + at);
      if (read.bytesRead === 0) throw invalid(path, 'it ended while it was read');
      at += read.bytesRead;
    }
    return { dimension, size, metric: metric === 0 ? 'inner-product' : 'l2', vectors };
  } finally {
    await file.close();
  }
}

/** Writes a file that FAISS reads. Complete or absent: written beside, synced, renamed. */
export async function writeFlatFile(path: string, matrix: FlatMatrix): Promise<void> {
  const { dimension, size, vectors } = matrix;
  const header = Buffer.alloc(headerBytes);
  header.write(matrix.metric === 'l2' ? 'IxF2' : 'IxFI', 0, 'latin1');
  header.writeInt32LE(dimension, 4);
  header.writeBigInt64LE(BigInt(size), 8);
  header.writeBigInt64LE(1n << 20n, 16);
  header.writeBigInt64LE(1n << 20n, 24);
  header.writeUInt8(1, 32);
  header.writeInt32LE(matrix.metric === 'l2' ? 1 : 0, 33);
  header.writeBigUInt64LE(BigInt(dimension * size), 37);
  const temporary = `${path}.${process.pid}.tmp`;
  const file = await open(temporary, 'w');
  try {
    await file.writeFile(header);
    const bytes = new Uint8Array(vectors.buffer, vectors.byteOffset, 4 * dimension * size);
    for (let at = 0; at < bytes.length; at += chunkBytes)
      await file.writeFile(bytes.subarray(at, at + chunkBytes));
    await file.sync();
    await file.close();
    await rename(temporary, path);
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
}
