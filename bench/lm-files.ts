/**
 * The model files of `lm`: a checkpoint, quantised by the product's own code, and the same weights for llama.cpp.
 * Some gigabytes, made once below a work folder outside the repository, under a name that says what they were made
 * from: shape, seed and the code that writes them. Complete or absent: a temporary folder is renamed.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { entryPoint } from '../shared/entry-point.js';
import { quantizeFolder } from '../shared/lm/quantize/quantize-folder.js';
import { type LmShape, qwen25Shape, quickShape, writeLmCheckpoint } from './lm-checkpoint.js';
import { writeCheckpointGguf } from './peers/checkpoint-gguf.js';

const seed = 20_250_801;

export interface LmFiles {
  shape: LmShape;
  /** bfloat16, as downloaded. */
  checkpoint: string;
  /** Blocks of 32 with four bits, the tied head and embedding too: what Q4_0 is in the GGUF file. */
  int4: string;
  /** The same with eight bits in the head and the embedding as it was. */
  int4Head8: string;
  gguf: string;
  /** Seconds it took now; 0 where it was all there. */
  seconds: number;
}

/** Makes what is not there yet. Takes 300 MB of memory: run it in a process of its own. */
export async function makeLmFiles(work: string, quick: boolean): Promise<LmFiles> {
  const shape = quick ? quickShape : qwen25Shape;
  const kind = quick ? 'quick-' : 'qwen2.5-0.5b-';
  const folder = join(work, `${kind}${await codeVersion(shape)}`);
  const files: LmFiles = {
    shape,
    checkpoint: join(folder, 'checkpoint'),
    int4: join(folder, 'int4'),
    int4Head8: join(folder, 'int4-head8'),
    gguf: join(folder, 'q4_0.gguf'),
    seconds: 0,
  };
  if (existsSync(folder)) return files;
  const started = performance.now();
  const staging = `${folder}.${process.pid}.tmp`;
  await mkdir(staging, { recursive: true });
  try {
    const at = (path: string) => join(staging, path.slice(folder.length));
    await writeLmCheckpoint(at(files.checkpoint), shape, seed);
    await writeFile(join(staging, 'README.txt'), 'Random weights of the haetae benchmark; delete at will.\n');
    await writeCheckpointGguf(at(files.checkpoint), shape, at(files.gguf));
    const blocks = { model: at(files.checkpoint), bits: 4, blockSize: 32, method: 'rtn' } as const;
    await quantizeFolder({ ...blocks, out: at(files.int4), headBits: 4, embedding: 'head' });
    await quantizeFolder({ ...blocks, out: at(files.int4Head8), headBits: 8, embedding: 'checkpoint' });
    await removeOthers(work, kind, staging);
    await rename(staging, folder);
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  }
  files.seconds = (performance.now() - started) / 1000;
  return files;
}

/** Bytes of the weights in a model folder. */
export async function weightBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder))
    if (name.endsWith('.safetensors')) bytes += (await stat(join(folder, name))).size;
  return bytes;
}

/** What older code made is of no use any more, and large. */
async function removeOthers(work: string, kind: string, keep: string): Promise<void> {
  for (const name of await readdir(work)) {
    const path = join(work, name);
    if (name.startsWith(kind) && path !== keep) await rm(path, { recursive: true, force: true });
  }
}

async function codeVersion(shape: LmShape): Promise<string> {
  const code = createHash('sha256').update(JSON.stringify([shape, seed]));
  const modules = [
    './lm-checkpoint',
    './lm-vocabulary',
    './lm-files',
    './peers/gguf',
    './peers/checkpoint-gguf',
    '../shared/lm/quantized-tensor',
    '../shared/lm/quantize/quantize-blocks',
  ];
  for (const path of modules.map((module) => entryPoint(import.meta.url, module)))
    code.update(await readFile(path));
  return code.digest('hex').slice(0, 8);
}
