import t from 'tap';
import type { WantedQuestion } from '../../../../training/synthesis/question-teacher.js';
import { DomainQueues } from '../../../../training/synthesis/writing/domain-queues.js';
import { ruledCorpus } from '../../../fixtures/ruled-corpus.js';

const plain: WantedQuestion = { open: false, negated: false, choices: 4, position: 1 };
const [many, few] = [ruledCorpus(9, 10), ruledCorpus(10, 10).slice(90)];
const corpus = [
  ...many.map((chunk) => ({ ...chunk, domain: 'law' })),
  ...few.map((chunk) => ({ ...chunk, domain: 'it' })),
];

function domains(
  queues: DomainQueues,
  count: number,
  keep: (domain: string) => boolean,
): Record<string, number> {
  const kept: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const turn = queues.take(plain);
    if (!turn) break;
    const { domain } = turn.chunk;
    if (keep(domain)) kept[domain] = (kept[domain] ?? 0) + 1;
    else queues.fail(turn);
  }
  return kept;
}

t.test('the largest domain takes no more than its share while others have chunks left', async (t) => {
  t.same(
    domains(new DomainQueues(corpus, 3, 0.7, 1), 40, () => true),
    { law: 28, it: 12 },
  );
  t.same(
    domains(new DomainQueues(corpus, 3, 1, 1), 40, () => true),
    { law: 36, it: 4 },
  );
});

t.test('what fails does not count, and a domain that is used up leaves the rest to others', async (t) => {
  let asked = 0;
  const kept = domains(
    new DomainQueues(corpus, 1, 0.7, 1),
    60,
    (domain) => domain === 'law' || asked++ % 2 === 0,
  );
  t.same(kept, { it: 5, law: 50 }, 'every other of ten');
});
