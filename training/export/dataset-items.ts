/**
 * Pairs as trainers elsewhere read them: files of JSON, one list of items each, so that both `json.load` (what the
 * DistiLLM-2 code writes) and `datasets.load_dataset('json', …)` take them. All items of a file have the same fields.
 *
 * ```
 * distillm2   {prompt_id, prompt, chosen, rejected, source}          prompt: text; chosen, rejected: [messages, answer]
 * preference  {prompt_id, prompt, chosen, rejected, source, …}       TRL; prompt: messages; chosen, rejected: [answer]
 * completion  {prompt_id, prompt, completion, source, …}             the same with the teacher's answer: only it is learnt
 * dialogue    {prompt_id, messages, source, …}                       messages that end with the teacher's answer
 * ```
 *
 * Of a model without a chat template TRL takes texts, which it puts together as they are, and no dialogues. `chat_template_kwargs` is what the template is asked for where the model is served.
 */
import { servedTemplateVariables } from '../../shared/lm/chat-template-folder.js';
import type { ResponsePair } from '../formats/response-pair.js';

export type DatasetItem = Readonly<Record<string, unknown>>;

/** As `reformat.py` of the DistiLLM-2 code, with the messages that the API asks with. */
export function distillm2Item({ promptId, prompt, chosen, rejected, source }: ResponsePair): DatasetItem {
  return { prompt_id: promptId, prompt, chosen, rejected, source };
}

/** @param isPlain the model has no chat template */
export function preferenceItem(
  { promptId, chosen, rejected, source }: ResponsePair,
  isPlain: boolean,
): DatasetItem {
  const own = { prompt_id: promptId, source };
  if (isPlain) {
    return {
      ...own,
      prompt: textBefore(chosen),
      chosen: chosen.at(-1)!.content,
      rejected: rejected.at(-1)!.content,
    };
  }
  return {
    ...own,
    prompt: chosen.slice(0, -1),
    chosen: chosen.slice(-1),
    rejected: rejected.slice(-1),
    chat_template_kwargs: servedTemplateVariables,
  };
}

/** @param isPlain the model has no chat template */
export function completionItem({ promptId, chosen, source }: ResponsePair, isPlain: boolean): DatasetItem {
  const own = { prompt_id: promptId, source };
  if (isPlain) return { ...own, prompt: textBefore(chosen), completion: chosen.at(-1)!.content };
  return {
    ...own,
    prompt: chosen.slice(0, -1),
    completion: chosen.slice(-1),
    chat_template_kwargs: servedTemplateVariables,
  };
}

export function dialogueItem({ promptId, chosen, source }: ResponsePair): DatasetItem {
  return { prompt_id: promptId, source, messages: chosen, chat_template_kwargs: servedTemplateVariables };
}

/** One item a line, inside of one list. */
export function datasetText(items: readonly DatasetItem[]): string {
  if (items.length === 0) return '[]\n';
  return `[\n${items.map((item) => JSON.stringify(item)).join(',\n')}\n]\n`;
}

function textBefore(messages: ResponsePair['chosen']): string {
  return messages
    .slice(0, -1)
    .map(({ content }) => content)
    .join('\n\n');
}
