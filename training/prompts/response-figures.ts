/** What prompts and responses are like: figures and examples for the report of the stage `respond`. */
import type { Tokenizer } from '../../shared/lm/tokenizer.js';
import type { Split } from '../formats/qa-pair.js';
import type { Response } from '../formats/response.js';
import type { PromptTask, TaskPrompt } from '../formats/task-prompt.js';

export type PromptCounts = Partial<Record<PromptTask, Partial<Record<Split, number>>>>;

export type ResponseFigures = {
  model: string;
  responses: number;
  /** Prompts without a response. */
  unanswered: number;
  finishReasons: Partial<Record<Response['finishReason'], number>>;
  /** In tokens of the student. */
  meanTokens: number;
  /** Responses that are the reference and nothing else, white space around it aside; `open` has none to compare. */
  exactMatch: Partial<Record<PromptTask, { matches: number; responses: number }>>;
};

export type ResponseExample = {
  promptId: string;
  task: PromptTask;
  prompt: string;
  reference: string;
  teacher: string | null;
  student: string | null;
};

export function countPrompts(prompts: readonly TaskPrompt[]): PromptCounts {
  const counts: PromptCounts = {};
  for (const { task, split } of prompts) {
    counts[task] ??= {};
    counts[task][split] = (counts[task][split] ?? 0) + 1;
  }
  return counts;
}

/** @param responses in any order, at most one of each prompt */
export async function responseFigures(
  prompts: readonly TaskPrompt[],
  responses: readonly Response[],
  model: string,
  tokenizer: Pick<Tokenizer, 'encodeBatch'>,
): Promise<ResponseFigures> {
  const byPrompt = new Map(responses.map((response) => [response.promptId, response]));
  const finishReasons: ResponseFigures['finishReasons'] = {};
  const exactMatch: ResponseFigures['exactMatch'] = {};
  for (const { finishReason } of responses)
    finishReasons[finishReason] = (finishReasons[finishReason] ?? 0) + 1;
  for (const { promptId, task, reference } of prompts) {
    const response = byPrompt.get(promptId);
    if (!response || task === 'open') continue;
    exactMatch[task] ??= { matches: 0, responses: 0 };
    exactMatch[task].responses += 1;
    if (response.generatedText.trim() === reference.trim()) exactMatch[task].matches += 1;
  }
  const tokens = await tokenizer.encodeBatch(
    responses.map(({ generatedText }) => generatedText),
    { addSpecialTokens: false },
  );
  const total = tokens.reduce((sum, { length }) => sum + length, 0);
  return {
    ...{ model, responses: responses.length, unanswered: prompts.length - responses.length },
    ...{ finishReasons, meanTokens: responses.length > 0 ? total / responses.length : 0, exactMatch },
  };
}

/** One of each task, and more of the first where there are fewer tasks than `count`. */
export function responseExamples(
  prompts: readonly TaskPrompt[],
  teacher: readonly Response[],
  student: readonly Response[],
  count = 3,
): ResponseExample[] {
  const seen = new Set<PromptTask>();
  const firsts = prompts.filter(({ task }) => !seen.has(task) && seen.add(task));
  const others = prompts.filter((prompt) => !firsts.includes(prompt));
  const textsOf = (responses: readonly Response[]) =>
    new Map(responses.map(({ promptId, generatedText }) => [promptId, generatedText]));
  const [taught, answered] = [textsOf(teacher), textsOf(student)];
  return [...firsts, ...others].slice(0, count).map(({ promptId, task, messages, reference }) => ({
    ...{ promptId, task, reference },
    prompt: messages.map(({ content }) => content).join('\n\n'),
    teacher: taught.get(promptId) ?? null,
    student: answered.get(promptId) ?? null,
  }));
}
