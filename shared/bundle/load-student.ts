/** Opens the student of a bundle, and holds it to its fingerprint before it serves. */
import { join } from 'node:path';
import { StudentPace } from '../answering/student-pace.js';
import { isPromptSet, promptSets } from '../answering/prompt-wording.js';
import { StudentPrompt } from '../answering/student-prompt.js';
import { StudentReranker } from '../answering/student-reranker.js';
import { HaetaeError } from '../errors.js';
import { checkFingerprint } from '../lm/fingerprint.js';
import type { GenerateEvent } from '../lm/language-model.js';
import { type OpenedLanguageModel, openLanguageModel } from '../lm/open-language-model.js';
import { nativeKernels } from '../onnx/native-session.js';
import type { Bundle } from './bundle-store.js';
import type { StudentEntry } from './manifest.js';
import type { ChatRequest, LoadOptions, StudentInfo } from './runtime.js';

export interface LoadedStudent {
  model: OpenedLanguageModel;
  prompt: StudentPrompt;
  pace: StudentPace;
  reranker: StudentReranker;
  /** Passages that it reads of a question's. */
  passages: number;
  info: StudentInfo;
  /** What an operator should know. */
  warnings: string[];
}

const defaultPassages = 3;

/** @throws HaetaeError BUNDLE_INVALID where it does not compute what it did; what opening the model throws */
export async function loadStudent(
  { folder, manifest }: Bundle,
  entry: StudentEntry,
  { threads, student: bounds = {} }: Pick<LoadOptions, 'threads' | 'student'>,
): Promise<LoadedStudent> {
  const what = `The student of bundle '${manifest.id}'`;
  const { prompt: set } = manifest;
  if (!isPromptSet(set)) {
    throw new HaetaeError(
      'BUNDLE_INVALID',
      `${what} is asked with the prompts '${set}', this program has ${promptSets.join(', ')}. Make the bundle again with: haetae models import`,
      { prompt: set },
    );
  }
  const maxSlots = bounds.maxSlots ?? entry.slots;
  const model = await openLanguageModel(join(folder, entry.path), {
    threads,
    limits: { contextLength: entry.contextLength, maxSlots, ...bounds },
  });
  try {
    await checkFingerprint(model, entry.fingerprint, what);
    const prompt = new StudentPrompt(model, model.controls, set);
    return {
      model,
      prompt,
      pace: new StudentPace(),
      reranker: new StudentReranker({ model, prompt, atOnce: maxSlots }),
      passages: manifest.answering.studentPassages ?? defaultPassages,
      info: {
        description: `${model.config.family}, ${model.precision}`,
        contextLength: model.contextLength,
        weightBytes: model.weightBytes,
        mode: manifest.answering.mode,
      },
      warnings: model.kernels === 'runtime' ? [slowly()] : [],
    };
  } catch (error) {
    await model.close();
    throw error;
  }
}

function slowly(): string {
  const native = nativeKernels();
  const reason = native.kernel === null ? native.reason : 'they need heads of a multiple of 16';
  return `the language model runs on ONNX Runtime's own operators, which are slower than ours: ${reason}`;
}

/** @throws HaetaeError LM_REQUEST_INVALID where the model has no chat template, or it refuses the messages. */
export function chatWith(
  model: OpenedLanguageModel,
  { messages, ...sampling }: ChatRequest,
  signal?: AbortSignal,
): AsyncIterable<GenerateEvent> {
  if (!model.chatTemplate) {
    throw new HaetaeError(
      'LM_REQUEST_INVALID',
      'The model has no chat template: it goes on with texts, but holds no conversations. Use a model that was tuned for chat.',
    );
  }
  return model.generate({ ...sampling, prompt: model.chatTemplate.render(messages) }, signal);
}
