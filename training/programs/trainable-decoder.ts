/** A decoder as a program trains it: all of its weights, or LoRA adapters beside frozen ones. */
import { Checkpoint } from '../../shared/lm/checkpoint.js';
import type { DecoderConfig } from '../../shared/lm/model-config.js';
import { elementCount } from '../../shared/onnx/tensor-type.js';
import type { Tape } from '../autodiff/tape.js';
import type { Variable } from '../autodiff/variable.js';
import { saveAdapter } from '../model/adapter-folder.js';
import { type BatchShape, decoderHidden } from '../model/decoder.js';
import { type DecoderParameter, decoderParameters, headParameter } from '../model/decoder-parameters.js';
import { initialiseParameters } from '../model/initialise-parameters.js';
import { loadParameters } from '../model/load-parameters.js';
import { type LoraConfig, loraParameters } from '../model/lora.js';
import { saveCheckpoint } from '../model/save-checkpoint.js';

export interface TrainableDecoderOptions {
  config: DecoderConfig;
  /** Folder of the weights to begin with; null: fresh ones. */
  from: string | null;
  lora: LoraConfig | null;
  seed: number;
}

/** Inputs that the batches of a decoder feed. */
export interface DecoderInputs {
  /** int64 [T] */
  ids: Variable;
  /** int32 [rows, length] */
  visibleFrom: Variable;
}

export class TrainableDecoder {
  readonly config: DecoderConfig;
  readonly lora: LoraConfig | null;
  readonly trained: readonly DecoderParameter[];
  readonly frozen: readonly DecoderParameter[];
  readonly #options: TrainableDecoderOptions;

  constructor(options: TrainableDecoderOptions) {
    const { config, lora } = options;
    const own = decoderParameters(config);
    this.config = config;
    this.lora = lora;
    this.trained = lora ? loraParameters(config, lora) : own;
    this.frozen = lora ? own : [];
    this.#options = options;
  }

  get frozenBytes(): number {
    return this.frozen.reduce((sum, { shape }) => sum + 4 * elementCount(shape), 0);
  }

  /**
   * Declares the inputs of a batch, and adds the forward pass: states [T, hiddenSize] and the head [V, hiddenSize].
   * @param slots the states wanted: those of the input `positions`, int64 [slots]; null: all
   */
  forward(
    tape: Tape,
    shape: BatchShape,
    weights: (name: string) => Variable,
    slots: number | null = null,
  ): DecoderInputs & { hidden: Variable; head: Variable } {
    const { rows, length } = shape;
    const ids = tape.input('input_ids', [rows * length], 'int64');
    const visibleFrom = tape.input('visible_from', [rows, length], 'int32');
    const adapters = this.lora ? { config: this.lora, weights } : undefined;
    const at = slots === null ? undefined : tape.input('positions', [slots], 'int64');
    const hidden = decoderHidden(tape, this.config, shape, weights, ids, visibleFrom, adapters, at);
    return { ids, visibleFrom, hidden, head: weights(headParameter(this.config)) };
  }

  /**
   * Fills the weights a run begins with, and returns the frozen ones.
   * @param trained views by name, e.g. those of a `ParameterMemory`
   * @throws HaetaeError MODEL_INVALID where a tensor of the folder is missing or of another shape
   */
  async begin(trained: ReadonlyMap<string, Float32Array>): Promise<ReadonlyMap<string, Float32Array>> {
    const { from, seed } = this.#options;
    const frozen = new Map(
      this.frozen.map(({ name, shape }) => [name, new Float32Array(elementCount(shape))]),
    );
    if (this.lora || from === null) initialiseParameters(this.trained, trained, seed);
    if (from !== null) {
      const [parameters, values] = this.lora ? [this.frozen, frozen] : [this.trained, trained];
      await loadParameters(await Checkpoint.open(from), parameters, values);
    }
    return frozen;
  }

  /** Writes a model folder, or with LoRA an adapter in PEFT's layout. */
  async save(
    folder: string,
    trained: ReadonlyMap<string, Float32Array>,
    tokenizerFrom: string,
  ): Promise<void> {
    const { from } = this.#options;
    if (this.lora) {
      await saveAdapter(folder, this.lora, this.trained, trained, from === null ? {} : { baseModel: from });
    } else {
      await saveCheckpoint(folder, this.config, this.trained, trained, { tokenizerFrom });
    }
  }
}
