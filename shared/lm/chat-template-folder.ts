/**
 * Finds the chat template of a model folder: `chat_template.jinja`, else `chat_template` of `tokenizer_config.json`,
 * which is one template or a list of named ones, of which `default` is taken. The special tokens it may name
 * (`bos_token`, `eos_token`, …) come from `tokenizer_config.json`, else from `special_tokens_map.json`.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HaetaeError, messageOf } from '../errors.js';
import type { ChatTemplate } from './chat-template.js';
import { JinjaTemplate, type JinjaTemplateOptions } from './jinja-template.js';

/**
 * What templates see besides messages and special tokens, in training as in service: answers are short, so models
 * that can think aloud first (Qwen3) are asked not to.
 */
export const servedTemplateVariables = { enable_thinking: false } as const;

/**
 * Null where the folder has no template: it holds a base model.
 * @throws HaetaeError MODEL_INVALID
 */
export async function openChatTemplate(
  folder: string,
  options: JinjaTemplateOptions = {},
): Promise<ChatTemplate | null> {
  const configPath = join(folder, 'tokenizer_config.json');
  const filePath = join(folder, 'chat_template.jinja');
  const [config, tokens, file] = await Promise.all([
    readJsonObject(configPath),
    readJsonObject(join(folder, 'special_tokens_map.json')),
    readIfThere(filePath),
  ]);
  const text = file ?? defaultTemplate(config.chat_template, configPath);
  if (text === undefined) return null;
  return new JinjaTemplate(text, file === undefined ? `chat_template of ${configPath}` : filePath, {
    ...options,
    variables: { ...specialTokens(tokens), ...specialTokens(config), ...options.variables },
  });
}

function defaultTemplate(value: unknown, where: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) {
    const named = new Map(
      value.map((entry: { name?: unknown; template?: unknown } | null) => [entry?.name, entry?.template]),
    );
    const template = named.get('default');
    if (typeof template === 'string') return template;
    throw new HaetaeError(
      'MODEL_INVALID',
      `chat_template of ${where} has the templates ${[...named.keys()].join(', ')}, but no 'default'. Name the one to use 'default'.`,
    );
  }
  throw new HaetaeError(
    'MODEL_INVALID',
    `chat_template of ${where} is neither a text nor a list of named texts. Copy the file again from its source.`,
  );
}

/** `bos_token` and its like; each is a text or an object that holds it as `content`. */
function specialTokens(config: Record<string, unknown>): Record<string, string> {
  const tokens: Record<string, string> = {};
  for (const [name, value] of Object.entries(config)) {
    if (!name.endsWith('_token')) continue;
    const content = typeof value === 'object' && value !== null && 'content' in value ? value.content : value;
    if (typeof content === 'string') tokens[name] = content;
  }
  return tokens;
}

async function readJsonObject(path: string): Promise<Record<string, unknown>> {
  const text = await readIfThere(path);
  if (text === undefined) return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new HaetaeError(
      'MODEL_INVALID',
      `${path} is not JSON: ${messageOf(error)}. Copy it again from its source.`,
    );
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new HaetaeError('MODEL_INVALID', `${path} holds no JSON object. Copy it again from its source.`);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new HaetaeError(
      'MODEL_INVALID',
      `${path} cannot be read: ${messageOf(error)}.`,
      { path },
      { cause: error },
    );
  }
}
