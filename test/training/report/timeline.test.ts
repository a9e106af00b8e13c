import t from 'tap';
import type { StageRecord } from '../../../shared/training-run/run-record.js';
import { timeline } from '../../../training/report/timeline.js';
import { percent, readHtml, select } from './read-html.js';

const startedAt = '2025-07-31T09:30:00.000Z';
const endedAt = '2025-07-31T09:31:40.000Z';
const stage = (id: string, status: StageRecord['status'], at: string | null, seconds: number | null) => ({
  ...{ id, status, startedAt: at, seconds },
});
const draw = (...stages: ReturnType<typeof stage>[]) => timeline({ stages, startedAt, endedAt });

t.test('a bar begins when its stage began and is as long as it took', async (t) => {
  const read = readHtml(draw(stage('prepare', 'done', '2025-07-31T09:30:25.000Z', 50)));
  const [bar] = select(read, 'rect');
  t.strictSame([percent(bar?.attributes.x), percent(bar?.attributes.width)], [25, 50]);
  t.match(read.text, /prepare.*done.*50 s/u);
  t.match(select(read, 'tfoot')[0]?.text, '020 s40 s1 min1.3 min');
});

t.test('an unchanged stage is a hollow mark; one that did not run is an empty line', async (t) => {
  const read = readHtml(
    draw(
      stage('prepare', 'unchanged', startedAt, 0.1),
      stage('index', 'left-out', null, null),
      stage('publish', 'pending', null, null),
    ),
  );
  t.equal(select(read, '.hollow').length, 1);
  t.equal(select(read, 'rect').length, 0);
  t.match(read.text, /unchanged.*left out.*not begun/u);
});

t.test('a stage at work reaches to the end; what went wrong has another colour', async (t) => {
  const [running] = select(readHtml(draw(stage('sft', 'running', '2025-07-31T09:31:00.000Z', null))), 'rect');
  t.equal(percent(running?.attributes.width), 40);
  for (const status of ['failed', 'interrupted', 'rejected'] as const)
    t.equal(
      select(readHtml(draw(stage('sft', status, startedAt, 1))), 'rect')[0]?.attributes.class,
      'fill c1',
    );
});

t.test('times that make no sense break nothing', async (t) => {
  t.equal(draw(), '');
  for (const at of ['yesterday', '2025-07-31T09:29:00.000Z', '2026-07-31T09:29:00.000Z', startedAt])
    for (const seconds of [0, 1e9, -5]) t.notMatch(draw(stage('sft', 'done', at, seconds)), /NaN|Infinity/u);
  t.notMatch(
    timeline({ stages: [stage('sft', 'done', 'now', 1)], startedAt: 'then', endedAt: 'later' }),
    /NaN|Infinity/u,
  );
  t.notMatch(
    timeline({ stages: [stage('sft', 'done', startedAt, 0)], startedAt, endedAt: startedAt }),
    /NaN/u,
  );
});

t.test('ids and links cannot become markup', async (t) => {
  const stages = [stage('<script>alert(1)</script>', 'done', startedAt, 1)];
  for (const linkOf of [(id: string) => `#"${id}`, () => undefined]) {
    const read = readHtml(timeline({ stages, startedAt, endedAt, linkOf }));
    t.equal(select(read, 'script').length, 0);
    t.strictSame(read.errors, []);
  }
});
