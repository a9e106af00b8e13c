/**
 * The chat template of a model folder, rendered as `apply_chat_template` of Python's `transformers` does: Jinja with
 * `trim_blocks` and `lstrip_blocks`, the folder's special tokens as variables, `raise_exception`, `strftime_now`, and
 * `tools` and `documents` that are none. This is the one file that imports `@huggingface/jinja`.
 *
 * A template is a program that came with a download: it is stopped after two seconds, and its ranges are bounded as
 * Jinja's sandbox bounds them. It sees the messages and nothing of the process.
 *
 * Not covered: tools, documents and images; white space that Python's `strip` and JavaScript's `trim` see
 * differently (U+001C to U+001F, U+0085, U+FEFF).
 */
import { createContext, Script } from 'node:vm';
import { Environment, Interpreter, Template } from '@huggingface/jinja';
import { HaetaeError, messageOf } from '../errors.js';
import type { ChatMessage, ChatTemplate } from './chat-template.js';
import { strftime } from './strftime.js';

export interface JinjaTemplateOptions {
  /** Values that the template sees besides the messages: `bos_token`, `enable_thinking`, … */
  variables?: Readonly<Record<string, string | number | boolean | null>>;
  /** For `strftime_now`. */
  now?: () => Date;
  /** Longest time for parsing, and for each rendering. */
  timeoutMs?: number;
}

const defaultTimeoutMs = 2000;
/** `jinja2.sandbox.MAX_RANGE`. */
const maxRange = 100_000;
const maxTemplateLength = 1_000_000;

export class JinjaTemplate implements ChatTemplate {
  readonly #template: Template;
  readonly #options: JinjaTemplateOptions;
  readonly #timeoutMs: number;

  /**
   * @param where names the template in errors.
   * @throws HaetaeError MODEL_INVALID where the text is no template.
   */
  constructor(text: string, where: string, options: JinjaTemplateOptions = {}) {
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
    try {
      if (text.length > maxTemplateLength)
        throw new Error(`it is longer than ${maxTemplateLength} characters`);
      this.#template = withTimeout(() => new Template(text), this.#timeoutMs);
    } catch (error) {
      throw new HaetaeError(
        'MODEL_INVALID',
        `${where} is not a chat template that can be used: ${messageOf(error)}. Copy it again from its source.`,
        { where },
        { cause: error },
      );
    }
  }

  render(
    messages: readonly ChatMessage[],
    { addGenerationPrompt = true }: { addGenerationPrompt?: boolean } = {},
  ): string {
    if (messages.length === 0)
      throw new HaetaeError('LM_REQUEST_INVALID', 'There are no messages. Send at least one.');
    try {
      return withTimeout(() => {
        const environment = this.#environment();
        environment.set('messages', messages);
        environment.set('add_generation_prompt', addGenerationPrompt);
        return String(new Interpreter(environment).run(this.#template.parsed).value);
      }, this.#timeoutMs);
    } catch (error) {
      throw new HaetaeError(
        'LM_REQUEST_INVALID',
        `The chat template of the model refuses these messages: ${messageOf(error)}. Most want an optional system message, then user and assistant by turns.`,
        {},
        { cause: error },
      );
    }
  }

  #environment(): Environment {
    const environment = new Environment();
    const { variables = {}, now = () => new Date() } = this.#options;
    const globals: Record<string, unknown> = {
      true: true,
      True: true,
      false: false,
      False: false,
      none: null,
      None: null,
      tools: null,
      documents: null,
      range: boundedRange,
      raise_exception: (message: unknown) => {
        throw new Error(String(message));
      },
      strftime_now: (format: unknown) => strftime(now(), String(format)),
      ...variables,
    };
    for (const [name, value] of Object.entries(globals)) environment.set(name, value);
    return environment;
  }
}

/** Python's `range`. */
function boundedRange(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!(length <= maxRange)) throw new Error(`range() of more than ${maxRange} numbers`);
  return Array.from({ length }, (_, index) => start + index * step);
}

const sandbox = createContext({ work: (): unknown => undefined });
const script = new Script('work()');

/** Runs `work`, which cannot wait, and ends it when the time is up: the watchdog of node:vm stops any JavaScript. */
function withTimeout<T>(work: () => T, timeoutMs: number): T {
  sandbox.work = work;
  try {
    return script.runInContext(sandbox, { timeout: timeoutMs }) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException | null)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
      throw new Error(`it was not done within ${timeoutMs} ms`, { cause: error });
    throw error;
  } finally {
    sandbox.work = () => undefined;
  }
}
