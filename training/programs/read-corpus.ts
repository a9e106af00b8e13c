/** The data of a run: files to tokens, split into what is trained on and what is measured. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { startProgress } from '../../shared/progress.js';
import { listDataFiles } from '../data/data-files.js';
import type { SequenceEncoder } from '../data/sequence-encoder.js';
import { requireDisjoint, splitCorpus, type TokenCorpus } from '../data/token-corpus.js';
import { type TokenizeProgress, tokenizeDocuments } from '../data/tokenize-documents.js';
import type { DocumentKind } from '../data/training-document.js';

export interface DataSection {
  train: readonly string[];
  validation: readonly string[];
  validationFraction: number;
  textDocuments?: 'file' | 'block';
}

export interface Corpora {
  training: TokenCorpus;
  validation: TokenCorpus | null;
}

export interface ReadCorpusOptions {
  kind: DocumentKind;
  seed: number;
  /** Folder of the run: tokens are kept in `tokens/`. */
  output: string;
  signal: AbortSignal;
}

/** @throws HaetaeError TRAINING_DATA_INVALID where data are wrong, missing, or on both sides; CANCELLED */
export async function readCorpus(
  data: DataSection,
  encoder: SequenceEncoder,
  { kind, seed, output, signal }: ReadCorpusOptions,
): Promise<Corpora> {
  const read = async (paths: readonly string[], label: string) => {
    const bar = tokenizeProgress(label);
    try {
      return await tokenizeDocuments(paths, encoder, {
        ...{ kind, signal, cacheFolder: join(output, 'tokens') },
        ...(data.textDocuments ? { textDocuments: data.textDocuments } : {}),
        onProgress: bar.show,
      });
    } finally {
      bar.stop();
    }
  };
  const training = await read(data.train, 'tokenise');
  if (data.validation.length > 0) {
    const validation = await read(data.validation, 'tokenise validation');
    requireDisjoint(training, validation);
    return { training, validation };
  }
  if (data.validationFraction === 0) return { training, validation: null };
  return splitCorpus(training, data.validationFraction, seed);
}

/** Megabytes read, of all. */
function tokenizeProgress(label: string): { show: (progress: TokenizeProgress) => void; stop: () => void } {
  let bar: ReturnType<typeof startProgress> | undefined;
  let ticks = 0;
  return {
    show({ bytes, totalBytes, tokens }) {
      bar ??= startProgress(`${label} (MB)`, Math.ceil(totalBytes / 1e6));
      const note = `${tokens.toLocaleString('en-US')} tokens`;
      for (const done = Math.ceil(bytes / 1e6); ticks < done; ticks++) bar.tick(note);
    },
    stop: () => bar?.stop(),
  };
}

/** sha256 of each data file, by a name for people: what a resumed run must find again. */
export async function dataInputs(data: DataSection): Promise<Record<string, string>> {
  const inputs: Record<string, string> = {};
  for (const { path } of await listDataFiles([...data.train, ...data.validation])) {
    inputs[`the data file ${path}`] = await fileHash(path);
  }
  return inputs;
}

export async function fileHash(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash);
  return hash.digest('hex');
}
