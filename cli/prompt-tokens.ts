/** A prompt of the command line as token ids: plain, behind the BOS token, or as a chat. */
import { HaetaeError } from '../shared/errors.js';
import type { LanguageModel } from '../shared/lm/language-model.js';

export interface PromptOptions {
  prompt: string;
  /** The prompt is what a user says. */
  chat?: boolean | undefined;
  /** What the system says before. */
  system?: string | undefined;
  /** Begin with the BOS token; a chat template does that itself where its model wants it. */
  bos?: boolean | undefined;
}

/** @throws HaetaeError USAGE where the model lacks what is asked for, or there are no tokens */
export async function promptTokens(
  model: Pick<LanguageModel, 'chatTemplate' | 'config' | 'tokenizer'>,
  { prompt, chat, system, bos }: PromptOptions,
): Promise<number[]> {
  const text = chat ? renderChat(model, prompt, system) : prompt;
  const tokens = await model.tokenizer.encode(text, { addSpecialTokens: false });
  if (!bos) {
    if (tokens.length > 0) return tokens;
    throw new HaetaeError('USAGE', 'The prompt is empty: give it some text, or begin it with --bos.');
  }
  if (chat) throw new HaetaeError('USAGE', 'A chat template writes BOS itself. Leave out --bos or --chat.');
  const { bosTokenId } = model.config;
  if (bosTokenId === null)
    throw new HaetaeError(
      'USAGE',
      'This model has no BOS token (bos_token_id of config.json). Leave out --bos.',
    );
  return [bosTokenId, ...tokens];
}

function renderChat(
  { chatTemplate }: Pick<LanguageModel, 'chatTemplate'>,
  prompt: string,
  system: string | undefined,
): string {
  if (chatTemplate === null) {
    throw new HaetaeError(
      'USAGE',
      'This model has no chat template (tokenizer_config.json or chat_template.jinja). Leave out --chat.',
    );
  }
  return chatTemplate.render([
    ...(system === undefined ? [] : [{ role: 'system' as const, content: system }]),
    { role: 'user', content: prompt },
  ]);
}
