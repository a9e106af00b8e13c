import t from 'tap';
import { type ContestSubject, checkContestRules } from '../../../shared/bundle/contest-rules.js';
import type { ModelCard } from '../../../shared/licence/model-card.js';

const card = (values: Partial<ModelCard>): ModelCard => ({
  licences: [{ value: 'apache-2.0', from: 'README.md' }],
  released: [{ value: '2024-09-19', from: 'README.md, date' }],
  baseModels: [],
  problems: [],
  ...values,
});
const check = (values: Partial<ContestSubject> = {}) =>
  checkContestRules({
    card: card({}),
    bytes: 5e8,
    documents: { licences: ['public-domain', 'CC-BY-4.0', 'MIT'], latestEffective: '2025-07-22' },
    ...values,
  });
const verdicts = (checks: ReturnType<typeof check>) =>
  checks.map(({ subject, verdict }) => [subject, verdict]);

t.test('a free model of last year keeps the rules', async (t) => {
  t.strictSame(verdicts(check()), [
    ['licence', 'ok'],
    ['published', 'ok'],
    ['size', 'ok'],
    ['documents', 'ok'],
  ]);
});

t.test('a licence is on the list, in every place that names one', async (t) => {
  const licence = (...values: string[]) =>
    check({ card: card({ licences: values.map((value) => ({ value, from: 'x' })) }) })[0];
  for (const name of ['apache-2.0', 'MIT', 'mit', 'bsd-3-clause', 'cc-by-4.0', 'cc-by-sa-4.0', 'cc0-1.0'])
    t.match(licence(name), { verdict: 'ok' }, name);
  for (const name of [
    'cc-by-nc-4.0',
    'cc-by-nd-4.0',
    'llama3.1',
    'gemma',
    'qwen-research',
    'gpl-3.0',
    'openrail',
    'bigscience-bloom-rail-1.0',
    'apache-2.0 (non-commercial use only)',
    '"Qwen RESEARCH LICENSE AGREEMENT"',
  ])
    t.match(licence(name), { verdict: 'broken', remedy: String }, name);
  t.match(licence('apache-2.0', 'cc-by-nc-4.0'), { verdict: 'broken', found: /apache-2\.0.*cc-by-nc-4\.0/ });
  t.match(licence(), { verdict: 'missing', found: 'nothing', remedy: /LICENSE/ });
});

t.test('the date is before the first of August 2025, and said by someone', async (t) => {
  const published = (released: string[], told?: string) =>
    check({
      card: card({ released: released.map((value) => ({ value, from: 'README.md, date' })) }),
      ...(told === undefined ? {} : { released: told }),
    })[1];
  t.match(published(['2025-07-31']), { verdict: 'ok' });
  t.match(published(['2025-08-01']), { verdict: 'broken' });
  t.match(published([], '2025-07-31'), { verdict: 'ok', found: '2025-07-31 (--released)' });
  t.match(published([], '2025-08-01'), { verdict: 'broken' });
  t.match(published([]), { verdict: 'missing', remedy: /--released YYYY-MM-DD/ });
  t.match(published(['2024-09-19'], '2024-09-19'), { verdict: 'ok' });
  t.match(published(['2024-09-19'], '2024-09-18'), { verdict: 'broken', remedy: /which date is right/ });
  t.match(published(['2025-09-19'], '2024-09-18'), { verdict: 'broken' }, 'the option does not overrule');
});

t.test('what the folder cannot tell is a note; what is too large is not', async (t) => {
  t.match(check({ card: card({ baseModels: ['Qwen/Qwen2.5-3B'] }) })[2], {
    subject: 'base model',
    found: /Qwen2\.5-3B/,
    verdict: 'note',
  });
  t.match(check({ bytes: 35e9 })[2], { subject: 'size', verdict: 'ok' });
  t.match(check({ bytes: 36e9 })[2], { subject: 'size', found: '36.0 GB', verdict: 'broken' });
});

t.test('the documents count too', async (t) => {
  t.match(check({ documents: { licences: ['MIT', 'unknown'], latestEffective: '' } })[3], {
    found: /unknown/,
    verdict: 'broken',
    remedy: /--base/,
  });
  t.match(check({ documents: { licences: ['MIT'], latestEffective: '2025-10-02' } }).at(-1), {
    subject: 'documents',
    found: /2025-10-02/,
    verdict: 'note',
  });
});
