/**
 * An embedder from any Hugging Face encoder folder that holds an ONNX graph: BGE-M3, multilingual E5, the
 * bundled static embedder.
 *
 * text → prompt + text → token ids, cut at the model's limit → padded batch → graph → pooling → unit length.
 *
 * Inputs and outputs are found by name: `input_ids`, `attention_mask`, `token_type_ids` (the last two where the
 * graph has them); `sentence_embedding` is taken as it is, `last_hidden_state` or `token_embeddings` are pooled
 * as `1_Pooling/config.json` says. Texts are batched by similar length, so that little padding is computed.
 * A batch blocks the calling process while it runs; between batches other work gets its turn.
 */
import { HaetaeError } from '../errors.js';
import { openTokenizer, type Tokenizer } from '../lm/tokenizer.js';
import { fromFloat16 } from '../onnx/half-float.js';
import { openSession, type Session, type TensorValue, type ValueInfo } from '../onnx/session.js';
import type { Embedder, EmbedRole } from './embedder.js';
import { type EncoderFolder, fingerprintFolder, readEncoderFolder } from './encoder-folder.js';
import { normalize, type PoolingMode, pool } from './pooling.js';

export interface OpenEmbedderOptions {
  /** Threads of the runtime, ≥ 1. */
  threads: number;
  /** Cuts texts shorter than the model's own limit does. */
  maxTokens?: number;
  /** Most texts in one run (default 64); batches of long texts are smaller. */
  batchSize?: number;
}

/** Most padded tokens in one run: bounds the memory of a batch. */
const maxBatchTokens = 16_384;
/** Texts tokenised together: bounds the memory of token ids, and is what similar lengths are found among. */
const windowTexts = 2_048;

/**
 * Opens the folder, loads the graph and embeds one probe text, so that a model that cannot work fails here.
 * @throws HaetaeError MODEL_INVALID naming the file or the output that is wrong.
 */
export async function openEmbedder(path: string, options: OpenEmbedderOptions): Promise<Embedder> {
  const folder = await readEncoderFolder(path);
  const maxTokens = Math.min(options.maxTokens ?? Infinity, folder.maxTokens ?? Infinity);
  const limit = Number.isFinite(maxTokens) ? { maxTokens } : {};
  const tokenizer = await openTokenizer(folder.tokenizerPath, limit);
  if (folder.vocabSize !== undefined && tokenizer.vocabSize > folder.vocabSize) {
    throw invalid(
      folder,
      `tokenizer.json has ${tokenizer.vocabSize} entries, more than the ${folder.vocabSize} of config.json`,
    );
  }
  const fingerprint = await fingerprintFolder(folder, `maxTokens ${maxTokens}`);
  // Waking a second thread costs more than a table look-up.
  const session = await openSession(folder.modelPath, { threads: folder.isStatic ? 1 : options.threads });
  try {
    const encoder = new Encoder(folder, session);
    const probeIds = await tokenizer.encode('확인 probe 1');
    if (probeIds.length === 0) {
      throw invalid(folder, 'tokenizer.json gives no tokens for ordinary text');
    }
    const [probe] = await encoder.run([probeIds]);
    return new OnnxEmbedder(folder, tokenizer, session, encoder, {
      dimension: probe!.length,
      fingerprint,
      batchSize: options.batchSize ?? 64,
    });
  } catch (error) {
    await session.close();
    throw error;
  }
}

class OnnxEmbedder implements Embedder {
  readonly dimension: number;
  readonly fingerprint: string;
  readonly #folder: EncoderFolder;
  readonly #tokenizer: Tokenizer;
  readonly #session: Session;
  readonly #encoder: Encoder;
  readonly #batchSize: number;

  constructor(
    folder: EncoderFolder,
    tokenizer: Tokenizer,
    session: Session,
    encoder: Encoder,
    options: { dimension: number; fingerprint: string; batchSize: number },
  ) {
    this.dimension = options.dimension;
    this.fingerprint = options.fingerprint;
    this.#folder = folder;
    this.#tokenizer = tokenizer;
    this.#session = session;
    this.#encoder = encoder;
    this.#batchSize = options.batchSize;
  }

  async embed(texts: readonly string[], role: EmbedRole = 'passage'): Promise<Float32Array> {
    const out = new Float32Array(texts.length * this.dimension);
    for (let start = 0; start < texts.length; start += windowTexts) {
      const ids = await this.#encode(texts.slice(start, start + windowTexts), role);
      for (const batch of batchesBySize(ids, this.#batchSize)) {
        const vectors = await this.#encoder.run(batch.map((i) => ids[i]!));
        batch.forEach((i, b) => {
          out.set(vectors[b]!, (start + i) * this.dimension);
        });
      }
    }
    return out;
  }

  async countTokens(texts: readonly string[], role: EmbedRole = 'passage'): Promise<number> {
    let count = 0;
    for (let start = 0; start < texts.length; start += windowTexts) {
      for (const ids of await this.#encode(texts.slice(start, start + windowTexts), role))
        count += ids.length;
    }
    return count;
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  #encode(texts: readonly string[], role: EmbedRole): Promise<number[][]> {
    const prompt = this.#folder.prompts[role];
    return this.#tokenizer.encodeBatch(prompt ? texts.map((text) => prompt + text) : texts);
  }
}

/** Token ids to unit vectors: feeds the graph and pools what it gives. */
class Encoder {
  readonly #session: Session;
  readonly #folder: EncoderFolder;
  readonly #inputs: readonly ValueInfo[];
  readonly #output: string;
  /** Undefined: the graph pools. */
  readonly #pooling: PoolingMode | undefined;

  constructor(folder: EncoderFolder, session: Session) {
    this.#folder = folder;
    this.#session = session;
    this.#inputs = session.inputs;
    const unknown = session.inputs.find(
      ({ name }) => !['input_ids', 'attention_mask', 'token_type_ids'].includes(name),
    );
    if (unknown || !session.inputs.some(({ name }) => name === 'input_ids')) {
      const names = session.inputs.map(({ name }) => name).join(', ');
      throw invalid(folder, `the graph has the inputs ${names}; an encoder has input_ids and attention_mask`);
    }
    const names = session.outputs.map(({ name }) => name);
    const output = ['sentence_embedding', 'last_hidden_state', 'token_embeddings'].find((it) =>
      names.includes(it),
    );
    if (!output) {
      throw invalid(
        folder,
        `the graph gives ${names.join(', ')}; expected sentence_embedding, last_hidden_state or token_embeddings`,
      );
    }
    this.#output = output;
    if (output !== 'sentence_embedding') {
      if (!folder.pooling) {
        throw invalid(
          folder,
          `1_Pooling/config.json is missing, and the graph gives token vectors (${output})`,
        );
      }
      this.#pooling = folder.pooling;
    }
  }

  /** Unit vectors of a batch of texts, each of at least one token. */
  async run(batch: readonly (readonly number[])[]): Promise<Float32Array[]> {
    const length = Math.max(...batch.map((ids) => ids.length));
    const feeds = Object.fromEntries(
      this.#inputs.map((input) => [input.name, this.#feed(input, batch, length)]),
    );
    const output = (await this.#session.run(feeds, [this.#output]))[this.#output]!;
    const data =
      output.type === 'float16' ? fromFloat16(output.data as Uint16Array) : (output.data as Float32Array);
    const dimension = this.#checkShape(output, batch.length, length);
    return batch.map((ids, b) => {
      const vector = new Float32Array(dimension);
      if (this.#pooling) {
        pool({ data, length, dimension }, b, ids.length, this.#pooling, vector);
      } else {
        vector.set(data.subarray(b * dimension, (b + 1) * dimension));
      }
      normalize(vector);
      return vector;
    });
  }

  #feed(input: ValueInfo, batch: readonly (readonly number[])[], length: number): TensorValue {
    const { name, type } = input;
    const data = new BigInt64Array(batch.length * length);
    if (name === 'input_ids') {
      data.fill(BigInt(this.#folder.padTokenId));
    }
    batch.forEach((ids, b) => {
      ids.forEach((id, t) => {
        data[b * length + t] = name === 'input_ids' ? BigInt(id) : name === 'attention_mask' ? 1n : 0n;
      });
    });
    const shape = [batch.length, length];
    return type === 'int32'
      ? { type, shape, data: Int32Array.from(data, Number) }
      : { type: 'int64', shape, data };
  }

  #checkShape(output: TensorValue, batch: number, length: number): number {
    const expected = this.#pooling ? [batch, length] : [batch];
    const dimension = output.shape.at(-1) ?? 0;
    const leading = output.shape.slice(0, -1);
    if (leading.length !== expected.length || leading.some((size, i) => size !== expected[i])) {
      throw invalid(
        this.#folder,
        `${this.#output} has the shape [${output.shape.join(', ')}], expected [${expected.join(', ')}, dimension]`,
      );
    }
    const { hiddenSize } = this.#folder;
    if (this.#pooling && hiddenSize !== undefined && dimension !== hiddenSize) {
      throw invalid(
        this.#folder,
        `${this.#output} has ${dimension} dimensions, config.json says hidden_size ${hiddenSize}`,
      );
    }
    return dimension;
  }
}

/** Groups texts of similar length: indices, at most `batchSize` and `maxBatchTokens` padded tokens a group. */
function* batchesBySize(ids: readonly (readonly number[])[], batchSize: number): Generator<number[]> {
  const order = ids.map((_, i) => i).filter((i) => ids[i]!.length > 0);
  order.sort((a, b) => ids[a]!.length - ids[b]!.length);
  let batch: number[] = [];
  for (const i of order) {
    // Lengths ascend, so the newest text sets the padded length.
    if (
      batch.length > 0 &&
      (batch.length === batchSize || (batch.length + 1) * ids[i]!.length > maxBatchTokens)
    ) {
      yield batch;
      batch = [];
    }
    batch.push(i);
  }
  if (batch.length > 0) {
    yield batch;
  }
}

function invalid(folder: EncoderFolder, reason: string): HaetaeError {
  return new HaetaeError('MODEL_INVALID', `The encoder folder ${folder.path} cannot be used: ${reason}.`, {
    path: folder.path,
  });
}
