import t from 'tap';
import type { WantedQuestion } from '../../../../training/synthesis/question-teacher.js';
import { FormQuota, widened } from '../../../../training/synthesis/writing/form-quota.js';

const wanted: WantedQuestion = { open: false, negated: false, choices: 4, position: 1 };
const items = Array.from({ length: 20 }, () => ({ split: 'train', wanted }) as const);

t.test('a form of which there are enough is to be avoided, in its split alone', async (t) => {
  const quota = new FormQuota(items, 0.1);
  const [item] = items;
  if (!item) throw new Error('nothing is wanted');
  t.same(quota.narrowed(item), wanted);
  quota.count('train', 'list');
  t.same(quota.narrowed(item), wanted);
  quota.count('train', 'list');
  t.same(quota.narrowed(item), { ...wanted, avoid: ['list'] });
  t.same(quota.narrowed({ ...item, split: 'validation' }), wanted);
  t.same(widened(quota.narrowed(item)), wanted);
});

t.test('a share of all avoids nothing', async (t) => {
  const quota = new FormQuota(items, 1);
  for (let i = 0; i < 30; i++) quota.count('train', 'list');
  for (const item of items) t.same(quota.narrowed(item), wanted);
});
