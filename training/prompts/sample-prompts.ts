/**
 * Which prompts are asked, where they are more than wanted: as many of each task as of any other, as far as there are
 * so many; of each split as many as its share, but at least one. Drawn by a seeded hash of question and task, so that
 * a question stays in or out whatever others come or go. Prompts of `verify` about one question stay together: they
 * differ at their end only, and the beginning is then computed once.
 */
import { createHash } from 'node:crypto';
import type { QaPair, Split } from '../formats/qa-pair.js';
import type { PromptTask } from '../formats/task-prompt.js';

export interface PromptCandidate {
  promptId: string;
  qaId: string;
  task: PromptTask;
  split: Split;
}

/** Ids of the prompts that tasks make of a question, in the order of the tasks. */
export function promptCandidates(qa: QaPair, tasks: readonly PromptTask[]): PromptCandidate[] {
  const { qaId, split, choices } = qa;
  return [...new Set(tasks)].flatMap((task): PromptCandidate[] => {
    if ((task === 'open') !== (choices === undefined)) return [];
    if (task !== 'verify') return [{ promptId: `${qaId}/${task}`, qaId, task, split }];
    return (choices ?? []).map((_, index) => ({
      promptId: `${qaId}/verify/${index + 1}`,
      qaId,
      task,
      split,
    }));
  });
}

/** Most prompts of each task; of those that are not named, all. */
export type PromptsPerTask = { [task in PromptTask]?: number | undefined };

/**
 * Ids of `count` candidates, or of all where they are no more.
 * @param perTask where they are more, of a task only so many are candidates
 */
export function samplePrompts(
  given: readonly PromptCandidate[],
  count: number,
  seed: number,
  perTask: PromptsPerTask = {},
): Set<string> {
  const candidates = withinTasks(given, perTask, seed);
  if (candidates.length <= count) return new Set(candidates.map(({ promptId }) => promptId));
  const drawn = inDrawnOrder(candidates, seed);
  const tasks = [...new Set(candidates.map(({ task }) => task))].map((task) =>
    drawn.filter((candidate) => candidate.task === task),
  );
  const shares = evenShares(
    tasks.map(({ length }) => length),
    count,
  );
  return new Set(tasks.flatMap((of, i) => ofSplits(of, shares[i] as number)).map(({ promptId }) => promptId));
}

function withinTasks(
  candidates: readonly PromptCandidate[],
  perTask: PromptsPerTask,
  seed: number,
): readonly PromptCandidate[] {
  const left = new Set<string>();
  for (const [task, most = Number.POSITIVE_INFINITY] of Object.entries(perTask)) {
    const own = candidates.filter((candidate) => candidate.task === task);
    if (own.length <= most) continue;
    const drawn = new Set(ofSplits(inDrawnOrder(own, seed), most));
    for (const candidate of own) if (!drawn.has(candidate)) left.add(candidate.promptId);
  }
  return left.size === 0 ? candidates : candidates.filter(({ promptId }) => !left.has(promptId));
}

function inDrawnOrder(candidates: readonly PromptCandidate[], seed: number): PromptCandidate[] {
  const placed = candidates.map((candidate, index) => {
    const { qaId, task } = candidate;
    return { candidate, index, at: createHash('sha256').update(`${seed}\n${task}\n${qaId}`).digest('hex') };
  });
  placed.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.index - b.index));
  return placed.map(({ candidate }) => candidate);
}

/** `total` over groups of these sizes: what a small group cannot take goes to the others. */
export function evenShares(sizes: readonly number[], total: number): number[] {
  const shares = sizes.map(() => 0);
  const smallestFirst = [...sizes.keys()].sort((a, b) => (sizes[a] as number) - (sizes[b] as number));
  let left = total;
  for (const [done, group] of smallestFirst.entries()) {
    const even = Math.floor(left / (sizes.length - done));
    shares[group] = Math.min(sizes[group] as number, even);
    left -= shares[group] as number;
  }
  return shares;
}

function ofSplits(drawn: readonly PromptCandidate[], count: number): PromptCandidate[] {
  const train = drawn.filter(({ split }) => split === 'train');
  const others = drawn.filter(({ split }) => split !== 'train');
  const due = Math.round((count * others.length) / Math.max(1, drawn.length));
  const least = count > 1 ? 1 : 0;
  const forOthers = Math.min(others.length, count, Math.max(due, least, count - train.length));
  return [...train.slice(0, count - forOthers), ...others.slice(0, forOthers)];
}
