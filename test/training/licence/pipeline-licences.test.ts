import { join } from 'node:path';
import t from 'tap';
import { pipelineLicences } from '../../../training/licence/pipeline-licences.js';
import { parsePipelineConfig } from '../../../training/pipeline/read-pipeline-config.js';
import { smallCorpus } from '../../fixtures/small-corpus.js';

const card = (licence: string) => `---\nlicense: ${licence}\nreleased: 2024-09-19\n---\n# A model\n`;
const folder = t.testdir({
  'chunks.jsonl': smallCorpus()
    .map((chunk) => `${JSON.stringify(chunk)}\n`)
    .join(''),
  free: { 'README.md': card('apache-2.0') },
  gated: { 'README.md': card('gemma') },
});
const chunks = join(folder, 'chunks.jsonl');
const config = (over: Record<string, unknown>) =>
  parsePipelineConfig({ name: 'one', pretrain: {}, sft: {}, ...over }, 'one.yaml');

t.test('a pipeline that makes all itself is as free as its documents', async (t) => {
  const rows = await pipelineLicences(config({ publish: { rules: 'contest' } }), chunks);
  t.ok(rows.some(({ kind }) => kind === 'data'));
  t.strictSame(
    rows.filter(({ kind }) => kind !== 'data').map(({ subject, verdict }) => [subject, verdict]),
    [
      ['student, pretrained here', 'ok'],
      ['embedder, made from the documents', 'ok'],
      ['statute', 'ok'],
      ['student after sft', 'ok'],
    ],
  );
});

t.test('models are judged by their cards, teachers too, each of them once', async (t) => {
  const teacher = { kind: 'local', model: join(folder, 'gated') };
  const rows = await pipelineLicences(
    config({
      pretrain: undefined,
      sft: undefined,
      student: { from: join(folder, 'free'), licence: 'MIT' },
      synthesize: { teacher },
      respond: { teacher },
      distill: { teacher: join(folder, 'gated') },
      publish: { rules: 'contest' },
    }),
    chunks,
  );
  const models = rows.filter(({ kind }) => kind !== 'data');
  t.strictSame(
    models.map(({ kind, licence, verdict }) => [kind, licence, verdict]),
    [
      ['model', 'apache-2.0', 'ok'],
      ['model', 'that of what it is made from', 'ok'],
      ['teacher', 'gemma', 'broken'],
    ],
  );
});

t.test('texts that a section of training names are held against the rules too', async (t) => {
  const rows = await pipelineLicences(
    config({ pretrain: { data: { train: ['more/texts.jsonl'] } }, publish: { rules: 'contest' } }),
    chunks,
  );
  t.match(
    rows.find(({ subject }) => subject.startsWith('more/texts.jsonl')),
    { licence: 'not known', verdict: 'missing' },
  );
});

t.test('a server that is asked is a note; folders and chunks that are gone give no error', async (t) => {
  const rows = await pipelineLicences(
    config({
      student: { from: join(folder, 'gone') },
      pretrain: undefined,
      synthesize: { teacher: { kind: 'openai', baseUrl: 'http://127.0.0.1:1/v1', model: 'large' } },
    }),
    join(folder, 'gone.jsonl'),
  );
  t.strictSame(
    rows.map(({ subject, verdict }) => [subject.split('/').at(-1), verdict]),
    [
      ['gone', 'note'],
      ['embedder, made from the documents', 'ok'],
      ['large', 'note'],
      ['student after sft', 'ok'],
    ],
  );
});
