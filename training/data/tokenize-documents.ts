/**
 * Data files to a corpus. Tokenised in batches while the next documents are read, kept in a token file that is named
 * by the hash of everything that decides its contents (bytes of the data files, tokenizer, options): a second start
 * only hashes and reads.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { HaetaeError } from '../../shared/errors.js';
import { type DataFile, listDataFiles } from './data-files.js';
import { dataError } from './data-error.js';
import { documentsOf, type ReadOptions } from './read-training-documents.js';
import type { SequenceEncoder, SequencePart } from './sequence-encoder.js';
import type { TokenCorpus } from './token-corpus.js';
import { readTokenFile, TokenFileWriter } from './token-file.js';
import { type DocumentKind, formsOf, type TrainingDocument } from './training-document.js';

export interface TokenizeOptions extends ReadOptions {
  kind: DocumentKind;
  /** Folder for the token file, made where it is absent. */
  cacheFolder: string;
  onProgress?: (progress: TokenizeProgress) => void;
  /** Ends the work with CANCELLED; nothing is left behind. */
  signal?: AbortSignal;
}

export interface TokenizeProgress {
  /** Of the files as they are on disk. */
  bytes: number;
  totalBytes: number;
  documents: number;
  tokens: number;
}

/** Characters tokenised together: enough to keep all cores busy, few enough to bound memory. */
const batchCharacters = 256 * 1024;
const batchDocuments = 4096;
const formatVersion = 1;

/**
 * @throws HaetaeError TRAINING_DATA_INVALID where the data are wrong or there are none, CANCELLED
 */
export async function tokenizeDocuments(
  paths: readonly string[],
  encoder: SequenceEncoder,
  options: TokenizeOptions,
): Promise<TokenCorpus> {
  const { kind, textDocuments = 'file', cacheFolder } = options;
  if (!encoder.kinds.includes(kind)) throw new TypeError(`this encoder takes ${encoder.kinds}, not ${kind}`);
  const files = await listDataFiles(paths);
  const key = await hashInputs(files, [formatVersion, encoder.key, kind, textDocuments]);
  const path = join(cacheFolder, `tokens-${key.slice(0, 16)}.bin`);
  const cached = await readTokenFile(path, key);
  if (cached) return cached;
  const writer = await TokenFileWriter.create(path, key, kind, encoder.vocabSize);
  try {
    await tokenizeInto(writer, files, encoder, options);
    if (writer.examples === 0)
      throw dataError(paths.join(', '), 'there are no documents.', `${formsOf[kind]} is needed.`);
    await writer.close();
  } finally {
    await writer.abandon();
  }
  const corpus = await readTokenFile(path, key);
  if (!corpus) throw new Error(`${path} was written and cannot be read`);
  return corpus;
}

async function tokenizeInto(
  writer: TokenFileWriter,
  files: readonly DataFile[],
  encoder: SequenceEncoder,
  { kind, textDocuments = 'file', onProgress, signal }: TokenizeOptions,
): Promise<void> {
  let bytes = 0;
  const totalBytes = await totalSize(files);
  const work = async (batch: Batch): Promise<void> => {
    await batch.encodeInto(writer, encoder);
    onProgress?.({ bytes, totalBytes, documents: writer.examples, tokens: writer.tokens });
  };
  const onRead = (count: number): void => {
    bytes += count;
  };
  let batch = new Batch();
  let atWork = Promise.resolve();
  for (const file of files) {
    for await (const document of documentsOf(file, { kind, textDocuments, onRead })) {
      if (signal?.aborted) throw new HaetaeError('CANCELLED', 'The data were not tokenised to their end.');
      batch.add(document, encoder.sequences(document));
      if (!batch.isFull) continue;
      await atWork;
      atWork = work(batch);
      // Awaited before the next one; until then a failure is no unhandled one.
      atWork.catch(() => {});
      batch = new Batch();
    }
  }
  await atWork;
  await work(batch);
}

/** Documents whose texts are tokenised in one call. */
class Batch {
  readonly #documents: { document: TrainingDocument; sequences: readonly (readonly SequencePart[])[] }[] = [];
  #characters = 0;

  get isFull(): boolean {
    return this.#characters >= batchCharacters || this.#documents.length >= batchDocuments;
  }

  add(document: TrainingDocument, sequences: readonly (readonly SequencePart[])[]): void {
    this.#documents.push({ document, sequences });
    for (const part of sequences.flat()) this.#characters += 'text' in part ? part.text.length : 0;
  }

  async encodeInto(writer: TokenFileWriter, encoder: SequenceEncoder): Promise<void> {
    const { tokenizer, addSpecialTokens } = encoder;
    const parts = this.#documents.flatMap(({ sequences }) => sequences.flat());
    const texts = parts.flatMap((part) => ('text' in part ? [part.text] : []));
    const encoded = texts.length > 0 ? await tokenizer.encodeBatch(texts, { addSpecialTokens }) : [];
    let next = 0;
    for (const { document, sequences } of this.#documents) {
      writer.addExample(document.documentId, sequences.length);
      for (const sequence of sequences) {
        const ids = sequence.map((part) => ('text' in part ? encoded[next++]! : part.ids));
        checkIds(ids, encoder.vocabSize, document);
        writer.addSequence(ids, runsOf(sequence, ids));
      }
    }
    await writer.flush();
  }
}

function checkIds(
  parts: readonly (readonly number[])[],
  vocabSize: number,
  document: TrainingDocument,
): void {
  let count = 0;
  for (const ids of parts) {
    count += ids.length;
    for (const id of ids) {
      if (id < vocabSize) continue;
      throw dataError(
        document.where,
        `its text has token ${id}, the model knows those below ${vocabSize}.`,
        'Take the tokenizer of the model.',
      );
    }
  }
  if (count > 0) return;
  throw dataError(document.where, 'a text of it gives no tokens.', 'Correct or remove it.');
}

/** Lengths of what is not trained on and what is, by turns; none where all is. */
function runsOf(parts: readonly SequencePart[], ids: readonly (readonly number[])[]): number[] {
  if (parts.every(({ isTrained }) => isTrained)) return [];
  const runs = [0];
  for (const [i, { isTrained }] of parts.entries()) {
    if ((runs.length % 2 === 0) !== isTrained) runs.push(0);
    runs[runs.length - 1]! += ids[i]!.length;
  }
  return runs;
}

async function hashInputs(files: readonly DataFile[], options: readonly unknown[]): Promise<string> {
  const total = createHash('sha256').update(JSON.stringify(options));
  for (const { path, name } of files) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash);
    total.update(JSON.stringify([name, hash.digest('hex')]));
  }
  return total.digest('hex');
}

async function totalSize(files: readonly DataFile[]): Promise<number> {
  const sizes = await Promise.all(files.map(async ({ path }) => (await stat(path)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
