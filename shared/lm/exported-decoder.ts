/**
 * A decoder over a graph that others exported. Inputs and outputs are found by name:
 *
 * ```
 * input_ids                         int64|int32          [batch, length]
 * attention_mask                    int64|int32          [batch, past + length]     where it has one
 * position_ids                      int64|int32          [batch, length]            where it has one
 * past_key_values.N.key, .value     float32|float16      [batch, kvHead, past, headDim]
 *   → logits                        float32|float16      [batch, length, vocabulary]
 *   → present.N.key, .value         as past              [batch, kvHead, past + length, headDim]
 * ```
 *
 * Such a graph gives back the whole cache with every run, and exports differ in how they count positions behind
 * padding; so rows run one by one, each with a cache of its own exact length, which is always right and never
 * padded. There is no attention bias, hence no branches.
 */
import { HaetaeError } from '../errors.js';
import { fromFloat16 } from '../onnx/half-float.js';
import type { Session, TensorValue, ValueInfo } from '../onnx/session.js';
import type { Decoder, DecoderStep, KvCache, StepResult } from './decoder.js';
import { checkStep } from './decoder-step.js';
import { type CacheData, type CacheType, GrowingCache } from './growing-cache.js';
import type { DecoderConfig } from './model-config.js';

export interface ExportedDecoderOptions {
  config: DecoderConfig;
  session: Session;
  /** The graph's file, for errors and `precision`. */
  name: string;
  weightBytes: number;
}

export class ExportedDecoder implements Decoder {
  readonly config: DecoderConfig;
  readonly precision: string;
  readonly weightBytes: number;
  readonly kernels = 'runtime';
  readonly supportsBranches = false;
  readonly #session: Session;
  readonly #name: string;
  readonly #inputs: ReadonlyMap<string, ValueInfo>;
  /** `N.key`, `N.value`, in the order of layers. */
  readonly #cacheNames: readonly string[];
  readonly #cacheType: CacheType;

  /** @throws HaetaeError MODEL_UNSUPPORTED where the graph's inputs or outputs are not those of the head comment */
  constructor(options: ExportedDecoderOptions) {
    this.config = options.config;
    this.precision = `as exported (${options.name})`;
    this.weightBytes = options.weightBytes;
    this.#session = options.session;
    this.#name = options.name;
    this.#inputs = new Map(this.#session.inputs.map((input) => [input.name, input]));
    const layers = Array.from({ length: this.config.nLayer }, (_, layer) => layer);
    this.#cacheNames = layers.flatMap((layer) => [`${layer}.key`, `${layer}.value`]);
    this.#cacheType = this.#checkGraph();
  }

  createCache(slots: number, capacity: number): KvCache {
    return new GrowingCache(this.config, this.#cacheType, slots, capacity);
  }

  async step(step: DecoderStep): Promise<StepResult> {
    const { cache, rows, targets } = step;
    if (!(cache instanceof GrowingCache)) {
      throw new TypeError('the cache was made by another decoder');
    }
    if (step.branches) {
      throw new RangeError('a graph exported by others has no branches; see supportsBranches');
    }
    checkStep(step, this.config);
    const { vocabSize } = this.config;
    const wanted = step.wanted ?? rows.map(({ tokens }, r) => [r, tokens.length - 1] as const);
    const logits = new Float32Array(targets ? 0 : wanted.length * vocabSize);
    const logprobs = new Float32Array(targets ? wanted.length : 0);
    for (const [r, { slot, tokens }] of rows.entries()) {
      const rowLogits = await this.#runRow(cache, slot, tokens);
      wanted.forEach(([row, index], w) => {
        if (row === r) {
          const own = rowLogits.subarray(index * vocabSize, (index + 1) * vocabSize);
          if (targets) {
            logprobs[w] = own[targets[w]!]! - logSumExp(own);
          } else {
            logits.set(own, w * vocabSize);
          }
        }
      });
    }
    return { logits, logprobs };
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  /** Runs tokens behind what a slot holds, which then holds them too: logits [tokens, vocabulary]. */
  async #runRow(cache: GrowingCache, slot: number, tokens: readonly number[]): Promise<Float32Array> {
    const past = cache.length(slot);
    const count = tokens.length;
    const feeds: Record<string, TensorValue> = {
      input_ids: this.#integers('input_ids', [1, count], (i) => tokens[i]!),
    };
    if (this.#inputs.has('attention_mask')) {
      feeds.attention_mask = this.#integers('attention_mask', [1, past + count], () => 1);
    }
    if (this.#inputs.has('position_ids')) {
      feeds.position_ids = this.#integers('position_ids', [1, count], (i) => past + i);
    }
    cache.tensors(slot).forEach((tensor, i) => {
      feeds[`past_key_values.${this.#cacheNames[i]}`] = tensor;
    });
    const presents = this.#cacheNames.map((name) => `present.${name}`);
    const outputs = await this.#session.run(feeds, ['logits', ...presents]);
    const { logits } = outputs;
    const expected = [1, count, this.config.vocabSize];
    this.#checkShape('logits', logits!, expected);
    const present = [1, this.config.nKvHead, past + count, this.config.headDim];
    for (const name of presents) {
      this.#checkShape(name, outputs[name]!, present);
    }
    cache.replace(
      slot,
      presents.map((name) => outputs[name]!.data as CacheData),
      past + count,
    );
    return logits!.type === 'float16'
      ? fromFloat16(logits!.data as Uint16Array)
      : (logits!.data as Float32Array);
  }

  #integers(name: string, shape: readonly number[], value: (i: number) => number): TensorValue {
    const length = shape[1]!;
    return this.#inputs.get(name)?.type === 'int32'
      ? { type: 'int32', shape, data: Int32Array.from({ length }, (_, i) => value(i)) }
      : { type: 'int64', shape, data: BigInt64Array.from({ length }, (_, i) => BigInt(value(i))) };
  }

  #checkGraph(): CacheType {
    const outputs = new Set(this.#session.outputs.map(({ name }) => name));
    const past = this.#cacheNames.map((name) => `past_key_values.${name}`);
    const known = new Set(['input_ids', 'attention_mask', 'position_ids', ...past]);
    const missing = [
      ...['input_ids', ...past].filter((name) => !this.#inputs.has(name)),
      ...['logits', ...this.#cacheNames.map((name) => `present.${name}`)].filter(
        (name) => !outputs.has(name),
      ),
    ];
    const foreign = [...this.#inputs.keys()].filter((name) => !known.has(name));
    if (missing.length > 0 || foreign.length > 0) {
      const reasons = [
        missing.length > 0 ? `it lacks ${some(missing)}` : '',
        foreign.length > 0 ? `it wants ${some(foreign)}` : '',
      ];
      throw this.#unsupported(reasons.filter((it) => it !== '').join(', and '));
    }
    const type = this.#inputs.get(past[0]!)!.type;
    if (type !== 'float32' && type !== 'float16') {
      throw this.#unsupported(`its cache is ${type}`);
    }
    const { nKvHead, headDim } = this.config;
    for (const name of past) {
      const { shape } = this.#inputs.get(name)!;
      const differs = (size: number | string | undefined, expected: number) =>
        typeof size === 'number' && size > 0 && size !== expected;
      if (shape.length !== 4 || differs(shape[1], nKvHead) || differs(shape[3], headDim)) {
        throw this.#unsupported(
          `${name} has the shape [${shape.join(', ')}], config.json asks for [batch, ${nKvHead}, past, ${headDim}]`,
        );
      }
    }
    return type;
  }

  #checkShape(name: string, value: TensorValue, expected: readonly number[]): void {
    if (value.shape.length !== expected.length || value.shape.some((size, i) => size !== expected[i])) {
      throw new HaetaeError(
        'MODEL_INVALID',
        `${this.#name} gave ${name} of the shape [${value.shape.join(', ')}], expected [${expected.join(', ')}].` +
          ' config.json and the graph do not belong together.',
        { name: this.#name, output: name },
      );
    }
  }

  #unsupported(reason: string): HaetaeError {
    return new HaetaeError(
      'MODEL_UNSUPPORTED',
      `${this.#name} is not a decoder that can be used: ${reason}. Supported: input_ids, attention_mask,` +
        ' position_ids, past_key_values.N.key/value to logits, present.N.key/value, for the layers of config.json.' +
        ' Export it for text generation with past, or use the checkpoint.',
      { name: this.#name },
    );
  }
}

/** The first few names. */
function some(names: readonly string[]): string {
  return names.slice(0, 4).join(', ') + (names.length > 4 ? `, … (${names.length})` : '');
}

function logSumExp(row: Float32Array): number {
  let top = Number.NEGATIVE_INFINITY;
  for (const value of row) {
    top = Math.max(top, value);
  }
  let sum = 0;
  for (const value of row) {
    sum += Math.exp(value - top);
  }
  return top + Math.log(sum);
}
