/**
 * Any model the student runtime opens, as a teacher: a checkpoint, one quantised by us, or a graph exported by others.
 * Sequences go through its KV cache one by one, and their logits come out whole; slower than `ModelTeacher` for float
 * checkpoints, and what caches are filled with.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Decoder, KvCache } from '../../shared/lm/decoder.js';
import { openDecoder } from '../../shared/lm/open-decoder.js';
import type { TensorValue } from '../../shared/onnx/session.js';
import { slice } from '../autodiff/expressions.js';
import type { Tape } from '../autodiff/tape.js';
import type { TeacherLogits } from '../blocks/linear-divergence.js';
import type { TeacherSequence } from '../data/answer-slots.js';
import {
  distinctSequences,
  requireSameVocabulary,
  spanOf,
  type Teacher,
  type VocabularyOwner,
} from './teacher.js';

/** Tokens of a step: what prefill is fast at, with bounded logits. */
const stepTokens = 128;

export interface DecoderTeacherOptions {
  student: VocabularyOwner;
  threads: number;
}

export class DecoderTeacher implements Teacher {
  readonly folder: string;
  readonly vocabSize: number;
  readonly #decoder: Decoder;
  #cache: KvCache | undefined;
  #capacity = 0;

  private constructor(folder: string, decoder: Decoder) {
    this.folder = folder;
    this.vocabSize = decoder.config.vocabSize;
    this.#decoder = decoder;
  }

  /** @throws HaetaeError TRAINING_VOCABULARY where the student's vocabulary is another; else as `openDecoder` */
  static async open(folder: string, options: DecoderTeacherOptions): Promise<DecoderTeacher> {
    const { student, threads } = options;
    const decoder = await openDecoder(folder, { threads });
    try {
      requireSameVocabulary(student, { folder, vocabSize: decoder.config.vocabSize });
      return new DecoderTeacher(folder, decoder);
    } catch (error) {
      await decoder.close();
      throw error;
    }
  }

  /**
   * Logits after each of `positions` tokens from `from` on, [positions, vocabSize].
   * @throws HaetaeError LM_CONTEXT_EXCEEDED where the sequence is longer than the model's positions
   */
  async sequenceLogits(tokens: ArrayLike<number>, from: number, positions: number): Promise<Float32Array> {
    const { vocabSize } = this;
    const end = from + positions;
    const logits = new Float32Array(positions * vocabSize);
    const cache = this.#cacheFor(end);
    cache.truncate(0, 0);
    for (let start = 0; start < end; start += stepTokens) {
      const part = Array.from({ length: Math.min(stepTokens, end - start) }, (_, i) => tokens[start + i]!);
      const wanted = part.flatMap((_, i) => (start + i >= from ? [[0, i] as const] : []));
      const result = await this.#decoder.step({ cache, rows: [{ slot: 0, tokens: part }], wanted });
      logits.set(result.logits.subarray(0, wanted.length * vocabSize), Math.max(0, start - from) * vocabSize);
    }
    return logits;
  }

  logits(tape: Tape, slots: number): TeacherLogits {
    const given = tape.input('teacher_logits', [slots, this.vocabSize]);
    return (from, to) => tape.withoutGradient(() => slice(tape, given, 0, from, to));
  }

  async feeds(sequences: readonly TeacherSequence[], slots: number): Promise<Record<string, TensorValue>> {
    const { vocabSize } = this;
    const data = new Float32Array(slots * vocabSize);
    for (const group of distinctSequences(sequences)) {
      const { from, positions } = spanOf(group[0]!);
      const logits = await this.sequenceLogits(group[0]!.tokens, from, positions);
      for (const sequence of group) {
        for (const [i, slot] of sequence.slots.entries()) {
          const at = (sequence.positions[i]! - from) * vocabSize;
          data.set(logits.subarray(at, at + vocabSize), slot * vocabSize);
        }
      }
    }
    return { teacher_logits: { type: 'float32', shape: [slots, vocabSize], data } };
  }

  close(): Promise<void> {
    return this.#decoder.close();
  }

  #cacheFor(length: number): KvCache {
    if (!this.#cache || this.#capacity < length) {
      // A few sizes, not one for each sequence.
      this.#capacity = Math.min(2 ** Math.ceil(Math.log2(length)), this.#decoder.config.maxPositions);
      this.#capacity = Math.max(this.#capacity, length);
      this.#cache = this.#decoder.createCache(1, this.#capacity);
    }
    return this.#cache;
  }
}

/** sha256, in hex, over the files of a model folder that decide its distributions: weights and configuration. */
export async function teacherFingerprint(folder: string): Promise<string> {
  const names = (await readdir(folder, { recursive: true }))
    .filter((name) => /^(config\.json|[^/\\]*\.safetensors|onnx[/\\].*)$/.test(name))
    .sort();
  const total = createHash('sha256');
  for (const name of names) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(join(folder, name)), hash);
    total.update(`${name} ${hash.digest('hex')}\n`);
  }
  return total.digest('hex');
}
