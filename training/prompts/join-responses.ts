/**
 * Pairs of a teacher's and a student's response to the same prompt, joined by `promptId`: the same pairs whatever the
 * order of the three files.
 *
 * Left out, each for one reason, the first that holds: see `dropReasons`. Equal responses of both are kept, as in the
 * published recipe of DistiLLM-2: where the student answers as its teacher does, their distributions may still differ.
 * So are responses of the student that ran to their limit: they are what it says.
 *
 * The teacher's response loses white space around it, as no answer that is scored has any; the student's stays as it
 * was, since its own tokens are what is unlearnt.
 */
import { HaetaeError } from '../../shared/errors.js';
import type { Response } from '../formats/response.js';
import type { ResponsePair } from '../formats/response-pair.js';
import { type TaskPrompt, teacherMessagesOf } from '../formats/task-prompt.js';

export const dropReasons = {
  repeated: 'another prompt has the same words',
  missingTeacher: 'the teacher gave no response',
  missingStudent: 'the student gave no response',
  contradictory: 'there are several responses of one model',
  otherPrompt: 'a response is to other words than those of the prompt',
  truncatedTeacher: "the teacher's response was cut at its limit",
  emptyTeacher: "the teacher's response is empty",
  emptyStudent: "the student's response is empty",
  unreadable: 'a response holds half of a character',
  contaminated: 'a response is like a question that is measured on',
} as const;
export type DropReason = keyof typeof dropReasons;

export interface JoinedResponses {
  /** From questions that train. */
  train: ResponsePair[];
  /** From questions that calibrate. */
  validation: ResponsePair[];
  dropped: Record<DropReason, number>;
  /** Pairs whose responses are equal. */
  identical: number;
  /** Responses to prompts that are not there. */
  strays: number;
}

/**
 * @param isMeasured whether a text is like a question that is measured on; the questions themselves were compared when
 * they were written
 * @throws HaetaeError TRAINING_DATA_INVALID where splits share a document, or a question that is measured on is there
 */
export function joinResponses(
  prompts: readonly TaskPrompt[],
  teacher: readonly Response[],
  student: readonly Response[],
  isMeasured: (text: string) => boolean = () => false,
): JoinedResponses {
  requireDisjoint(prompts);
  const ordered = [...prompts].sort((a, b) => compare(a.promptId, b.promptId));
  const [taught, answered] = [groupByPrompt(teacher), groupByPrompt(student)];
  const dropped = Object.fromEntries(Object.keys(dropReasons).map((reason) => [reason, 0])) as Record<
    DropReason,
    number
  >;
  const joined: JoinedResponses = {
    ...{ train: [], validation: [], dropped, identical: 0 },
    strays: countStrays(ordered, [...teacher, ...student]),
  };
  const words = new Set<string>();
  for (const prompt of ordered) {
    const responses = [taught.get(prompt.promptId) ?? [], answered.get(prompt.promptId) ?? []] as const;
    const reason = words.has(prompt.formatPrompt)
      ? 'repeated'
      : (whyDropped(prompt, ...responses) ?? whyMeasured(responses.flat(), isMeasured));
    words.add(prompt.formatPrompt);
    if (reason) {
      dropped[reason] += 1;
      continue;
    }
    const [chosen, rejected] = [responses[0][0]!.generatedText.trim(), responses[1][0]!.generatedText];
    if (chosen === rejected.trim()) joined.identical += 1;
    joined[prompt.split === 'train' ? 'train' : 'validation'].push(pairOf(prompt, chosen, rejected));
  }
  return joined;
}

function whyDropped(
  { formatPrompt }: TaskPrompt,
  teacher: readonly Response[],
  student: readonly Response[],
): DropReason | undefined {
  const [taught, answered] = [teacher[0], student[0]];
  if (!taught) return 'missingTeacher';
  if (!answered) return 'missingStudent';
  if (differ(teacher) || differ(student)) return 'contradictory';
  if (taught.formatPrompt !== formatPrompt || answered.formatPrompt !== formatPrompt) return 'otherPrompt';
  if (taught.finishReason === 'length') return 'truncatedTeacher';
  if (taught.generatedText.trim() === '') return 'emptyTeacher';
  if (answered.generatedText.trim() === '') return 'emptyStudent';
  const hasHalf = [taught, answered].some(({ generatedText }) => /\p{Surrogate}/u.test(generatedText));
  return hasHalf ? 'unreadable' : undefined;
}

function whyMeasured(
  responses: readonly Response[],
  isMeasured: (text: string) => boolean,
): DropReason | undefined {
  return responses.some(({ generatedText }) => isMeasured(generatedText)) ? 'contaminated' : undefined;
}

function differ([first, ...others]: readonly Response[]): boolean {
  return others.some(
    ({ generatedText, finishReason }) =>
      generatedText !== first!.generatedText || finishReason !== first!.finishReason,
  );
}

function pairOf(task: TaskPrompt, chosen: string, rejected: string): ResponsePair {
  const { promptId, messages, documentId } = task;
  const teacherPrompt = teacherMessagesOf(task);
  return {
    promptId,
    prompt: messages.findLast(({ role }) => role === 'user')?.content ?? '',
    chosen: [...messages, { role: 'assistant', content: chosen }],
    rejected: [...messages, { role: 'assistant', content: rejected }],
    ...(teacherPrompt ? { teacherPrompt } : {}),
    source: documentId,
  };
}

function requireDisjoint(prompts: readonly TaskPrompt[]): void {
  const splitOf = new Map<string, string>();
  for (const { promptId, documentId, split } of prompts) {
    if (split === 'validation') {
      throw invalid(`the prompt ${promptId} is of a question that the student is measured on`);
    }
    const other = splitOf.get(documentId);
    if (other !== undefined && other !== split) {
      throw invalid(`questions of '${documentId}' are both in ${other} and in ${split}`);
    }
    splitOf.set(documentId, split);
  }
}

function invalid(what: string): HaetaeError {
  return new HaetaeError(
    'TRAINING_DATA_INVALID',
    `The prompts do not keep training and measurement apart: ${what}. Run synthesize and respond again.`,
  );
}

function groupByPrompt(responses: readonly Response[]): Map<string, Response[]> {
  const groups = new Map<string, Response[]>();
  for (const response of responses) {
    const group = groups.get(response.promptId);
    if (group) group.push(response);
    else groups.set(response.promptId, [response]);
  }
  return groups;
}

function countStrays(prompts: readonly TaskPrompt[], responses: readonly Response[]): number {
  const known = new Set(prompts.map(({ promptId }) => promptId));
  return responses.filter(({ promptId }) => !known.has(promptId)).length;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
