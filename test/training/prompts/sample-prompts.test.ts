import t from 'tap';
import type { QaPair } from '../../../training/formats/qa-pair.js';
import { evenShares, promptCandidates, samplePrompts } from '../../../training/prompts/sample-prompts.js';
import { openQuestion, smallQuestion } from '../../fixtures/small-questions.js';

const tasks = ['label', 'verify', 'open'] as const;
const questions: QaPair[] = Array.from({ length: 60 }, (_, i) => {
  const split = i % 10 === 0 ? ('calibration' as const) : ('train' as const);
  return i % 6 === 0 ? openQuestion(`q${i}`, { split }) : smallQuestion(`q${i}`, { split });
});
const candidates = questions.flatMap((qa) => promptCandidates(qa, tasks));
const byId = new Map(candidates.map((candidate) => [candidate.promptId, candidate]));
const count = (ids: Iterable<string>, of: (candidate: (typeof candidates)[number]) => boolean): number =>
  [...ids].filter((id) => of(byId.get(id)!)).length;

t.test('a question gives the prompts that fit it', async (t) => {
  const ids = (qa: QaPair) => promptCandidates(qa, [...tasks, 'label']).map(({ promptId }) => promptId);
  t.strictSame(ids(questions[1]!), ['q1/label', ...[1, 2, 3, 4].map((choice) => `q1/verify/${choice}`)]);
  t.strictSame(ids(questions[0]!), ['q0/open']);
});

t.test('tasks get as many prompts each, and what a rare one lacks goes to the others', async (t) => {
  const drawn = samplePrompts(candidates, 70, 1);
  t.equal(drawn.size, 70);
  t.strictSame(
    tasks.map((task) => count(drawn, (candidate) => candidate.task === task)),
    [30, 30, 10],
  );
  t.ok(count(drawn, ({ split }) => split === 'calibration') >= 3);
  for (const wanted of [2, 3, 5, 11]) {
    const few = samplePrompts(candidates, wanted, 1);
    t.equal(few.size, wanted);
  }
  t.strictSame(evenShares([5, 1, 9], 12), [5, 1, 6]);
  t.strictSame(evenShares([5, 1, 9], 100), [5, 1, 9]);
});

t.test('of a task there are no more than its own number', async (t) => {
  const drawn = samplePrompts(candidates, Infinity, 1, { verify: 41, open: 500 });
  t.strictSame(
    tasks.map((task) => count(drawn, (candidate) => candidate.task === task)),
    [50, 41, 10],
  );
  t.ok(count(drawn, ({ task, split }) => task === 'verify' && split === 'calibration') >= 2);
  const few = samplePrompts(candidates, 12, 1, { verify: 4, label: 2 });
  t.strictSame(
    tasks.map((task) => count(few, (candidate) => candidate.task === task)),
    [2, 4, 6],
  );
});

t.test('statements of a question are drawn together', async (t) => {
  const drawn = samplePrompts(candidates, 60, 1);
  const groups = new Map<string, number>();
  for (const id of drawn) {
    const { qaId, task } = byId.get(id)!;
    if (task === 'verify') groups.set(qaId, (groups.get(qaId) ?? 0) + 1);
  }
  const whole = [...groups.values()].filter((size) => size === 4).length;
  t.ok(groups.size - whole <= 2, 'at most one broken question in each split');
});

t.test('the seed decides the sample, the order of the questions does not', async (t) => {
  const drawn = [...samplePrompts(candidates, 40, 1)].sort();
  t.strictSame(
    [
      ...samplePrompts(
        [...questions].reverse().flatMap((qa) => promptCandidates(qa, tasks)),
        40,
        1,
      ),
    ].sort(),
    drawn,
  );
  t.notSame([...samplePrompts(candidates, 40, 2)].sort(), drawn);
  t.equal(samplePrompts(candidates, 1e9, 1).size, candidates.length);
});
