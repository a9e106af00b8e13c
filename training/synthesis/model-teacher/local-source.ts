/**
 * A model folder, run in this process. Conversations are written by the model's chat template; a model without one
 * gets the contents one after the other, and `정답:`, as where it is served (`student-prompt.ts`).
 */
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { hashFile } from '../../../shared/bundle/bundle-store.js';
import { HaetaeError, messageOf } from '../../../shared/errors.js';
import type { ChatMessage } from '../../../shared/lm/chat-template.js';
import { defaultEngineLimits } from '../../../shared/lm/engine-limits.js';
import { type OpenedLanguageModel, openLanguageModel } from '../../../shared/lm/open-language-model.js';
import type { LocalTeacherConfig } from '../../pipeline/pipeline-config.js';
import type { CompletionRequest, CompletionSource, Reply } from './model-teacher.js';
import { promptRefused } from './refusal.js';
import { Slots } from './slots.js';

/** A prompt that leaves less room than this, and less than was asked for, is too long. */
const leastNewTokens = 32;

/** @throws HaetaeError as `openLanguageModel` */
export async function openLocalSource(
  config: LocalTeacherConfig,
  { threads }: { threads: number },
): Promise<CompletionSource> {
  const identity = `local:${await hashFolder(config.model)}`;
  const model = await openLanguageModel(config.model, {
    threads,
    limits: { maxSlots: config.slots, contextLength: config.contextLength },
  });
  return new LocalSource(config, model, identity);
}

class LocalSource implements CompletionSource {
  readonly model: string;
  readonly identity: string;
  readonly #model: OpenedLanguageModel;
  readonly #slots: Slots;
  #requests = 0;

  constructor(config: LocalTeacherConfig, model: OpenedLanguageModel, identity: string) {
    this.model = config.model;
    this.identity = identity;
    this.#model = model;
    // More would wait in the engine, whose queue is bounded.
    this.#slots = new Slots(Math.min(config.slots, defaultEngineLimits.maxQueue));
  }

  counts() {
    return { requests: this.#requests, retries: 0, cost: 0 };
  }

  close(): Promise<void> {
    return this.#model.close();
  }

  async reply(request: CompletionRequest, signal: AbortSignal): Promise<Reply> {
    const release = await this.#slots.take(signal);
    try {
      this.#requests += 1;
      return await this.#generate(request, signal);
    } finally {
      release();
    }
  }

  async #generate(request: CompletionRequest, signal: AbortSignal): Promise<Reply> {
    const { tokenizer, contextLength } = this.#model;
    const prompt = await tokenizer.encode(this.#render(request.messages), { addSpecialTokens: false });
    const room = contextLength - prompt.length;
    if (room < Math.min(request.maxNewTokens, leastNewTokens)) {
      throw promptRefused(
        `The prompt has ${prompt.length} tokens; ${this.model} takes ${contextLength}, its output included.`,
      );
    }
    const events = this.#model.generate(
      {
        prompt,
        maxNewTokens: Math.min(request.maxNewTokens, room),
        temperature: request.temperature,
        topP: request.topP,
        seed: request.seed,
      },
      signal,
    );
    for await (const event of events) {
      if (event.type !== 'end') continue;
      const { text, finishReason, usage } = event;
      const { promptTokens, completionTokens } = usage;
      return { text, finishReason, promptTokens, completionTokens, estimated: false, cost: 0 };
    }
    throw new HaetaeError('ENGINE_CRASHED', `${this.model} stopped without an end.`);
  }

  /** Control tokens in what is asked are others' text: only the template may write them. */
  #render(messages: readonly ChatMessage[]): string {
    const { controls, chatTemplate } = this.#model;
    const plain = messages.map(({ role, content }) => ({ role, content: controls.neutralize(content) }));
    if (!chatTemplate) return `${plain.map(({ content }) => content).join('\n\n')}\n\n정답:`;
    try {
      return chatTemplate.render(plain);
    } catch (error) {
      const [first, second, ...rest] = plain;
      // Templates of some families have no place for a system message.
      if (first?.role === 'system' && second?.role === 'user') {
        const content = `${first.content}\n\n${second.content}`;
        return chatTemplate.render([{ role: 'user', content }, ...rest]);
      }
      throw new HaetaeError(
        'TEACHER_REFUSED',
        `The chat template of ${this.model} refuses the conversation: ${messageOf(error)}`,
        {},
        { cause: error },
      );
    }
  }
}

/** Of the names and contents of all files: a model that was trained again has another. */
async function hashFolder(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    throw new HaetaeError(
      'FILE_NOT_FOUND',
      `The teacher's model folder ${folder} cannot be read.`,
      { path: folder },
      { cause: error },
    );
  });
  const paths = entries.map((entry) => join(entry.parentPath, entry.name)).sort();
  for (const path of paths) {
    // Follows links: the caches of hubs are made of them.
    if ((await stat(path)).isFile()) hash.update(`${relative(folder, path)}\n${await hashFile(path)}\n`);
  }
  return hash.digest('hex');
}
