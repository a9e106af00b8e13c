/** Opens a model folder as a language model that serves: decoder, tokenizer, chat template, engine. */
import { join } from 'node:path';
import { HaetaeError } from '../errors.js';
import type { Session } from '../onnx/session.js';
import { openChatTemplate, servedTemplateVariables } from './chat-template-folder.js';
import { type ControlTokens, readControlTokens } from './control-tokens.js';
import type { EngineLimits } from './engine-limits.js';
import type { LanguageModel } from './language-model.js';
import { createLanguageModel } from './lm-engine.js';
import type { Decoder } from './decoder.js';
import { openDecoder } from './open-decoder.js';
import { openTokenizer } from './tokenizer.js';

export interface OpenLanguageModelOptions {
  /** Threads of the runtime, ≥ 1. */
  threads: number;
  limits?: Partial<EngineLimits>;
  /** Stands between the decoder and its session, e.g. to time its runs. */
  wrapSession?: (session: Session) => Session;
}

export interface OpenedLanguageModel extends LanguageModel {
  /** Tokens that others' text must not hold. */
  readonly controls: ControlTokens;
  /** Bytes of its weight files. */
  readonly weightBytes: number;
  /** Whose operators compute it. */
  readonly kernels: Decoder['kernels'];
}

/**
 * @throws HaetaeError FILE_NOT_FOUND where the folder is missing, MODEL_INVALID naming the file that is wrong,
 * MODEL_UNSUPPORTED, CONFIG_INVALID where the limits leave no room
 */
export async function openLanguageModel(
  folder: string,
  { threads, limits, wrapSession }: OpenLanguageModelOptions,
): Promise<OpenedLanguageModel> {
  const decoder = await openDecoder(folder, { threads, ...(wrapSession ? { wrapSession } : {}) });
  try {
    const tokenizerPath = join(folder, 'tokenizer.json');
    const [tokenizer, controls, chatTemplate] = await Promise.all([
      openTokenizer(tokenizerPath),
      readControlTokens(tokenizerPath),
      openChatTemplate(folder, { variables: servedTemplateVariables }),
    ]);
    const { vocabSize } = decoder.config;
    // A larger matrix is common: its rows are padded to a round number.
    if (tokenizer.vocabSize > vocabSize) {
      throw new HaetaeError(
        'MODEL_INVALID',
        `${tokenizerPath} has ${tokenizer.vocabSize} entries, config.json says the model knows ${vocabSize}. They are not of the same model: copy both again from its source.`,
        { tokenizer: tokenizer.vocabSize, model: vocabSize },
      );
    }
    const model = createLanguageModel({ decoder, tokenizer, chatTemplate, ...(limits ? { limits } : {}) });
    const { weightBytes, kernels } = decoder;
    return Object.assign(model, { controls, weightBytes, kernels });
  } catch (error) {
    await decoder.close();
    throw error;
  }
}
