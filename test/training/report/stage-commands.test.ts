import t from 'tap';
import type { StageStatus } from '../../../shared/training-run/run-record.js';
import {
  type CommandFacts,
  command,
  runCommand,
  stageCommands,
} from '../../../training/report/stage-commands.js';
import { sampleConfig, sampleRecord, sampleSummaries } from './sample-run.js';

const facts: CommandFacts = {
  record: { config: 'runs/one.yaml', bundleId: 'one-1', stages: [] },
  config: sampleConfig,
  workFolder: '/data/한국 은행/work',
};

t.test('words that a shell would take apart are quoted', async (t) => {
  t.equal(command('haetae', 'runs/한글.yaml', '--out', '/a b'), "haetae runs/한글.yaml --out '/a b'");
  t.equal(command("it's", '$(rm)', ''), `'it'\\''s' '$(rm)' ''`);
});

t.test('a stage is run again by itself, in the folder of its run', async (t) => {
  t.equal(runCommand(facts), "haetae train run runs/one.yaml --out '/data/한국 은행'");
  t.strictSame(stageCommands('distill-2', {}, facts), [
    "haetae train run runs/one.yaml --out '/data/한국 은행' --only distill-2 --force",
  ]);
});

t.test('where a program measures the same by itself, its command stands too', async (t) => {
  const last = (stage: string, details: unknown = {}, of: Partial<typeof facts> = {}) =>
    stageCommands(stage, details, { ...facts, ...of }).slice(1);
  t.strictSame(last('index'), [
    "haetae train evaluate-retrieval --models-dir '/data/한국 은행/work/index/models' --queries 100 --seed 1",
  ]);
  t.match(last('synthesize')[0], /^sha256sum data\/questions\/test\.csv /u);
  t.equal(
    last('evaluate', sampleSummaries.evaluate?.details)[0],
    "haetae evaluate --questions data/questions/dev_mc.csv --models '/data/한국 은행/work/evaluate/models' --bundle finance-guide-3c9a",
  );
  t.strictSame(last('evaluate', { sets: [] }), [], 'no bundle is known');
  t.strictSame(last('publish'), ["haetae models verify one-1 --models-dir '/data/한국 은행/models'"]);
  t.strictSame(last('publish', {}, { record: { ...facts.record, bundleId: null } }), []);
});

t.test('the command of a run says which stages it was asked for', async (t) => {
  const asked = (...statuses: StageStatus[]) => {
    const { stages } = sampleRecord();
    const some = stages.filter(({ id }) =>
      ['index', 'respond-1', 'sft', 'respond-2', 'validate'].includes(id),
    );
    const record = {
      ...facts.record,
      stages: some.map((stage, i) => ({ ...stage, status: statuses[i] ?? 'done' })),
    };
    return runCommand({ ...facts, record }).split("' ")[1] ?? '';
  };
  const out = 'left-out';
  t.equal(asked('unchanged', 'done', 'done', 'done', 'done'), '');
  t.equal(asked(out, 'done', 'done', 'done', 'done'), '--from sft');
  t.equal(asked('done', 'done', 'done', out, out), '--to respond-1');
  t.equal(asked(out, 'done', 'done', 'done', out), '--from sft --to respond-2');
  t.equal(asked(out, out, out, out, 'done'), '--only validate');
  t.equal(asked(out, out, 'done', 'done', out), '--only respond');
  t.equal(asked(out, out, out, 'done', out), '--only respond-2');
  t.equal(asked('done', 'done', 'done', 'rejected', out), '', 'left out by a gate, not by a person');
  t.equal(asked(out, 'done', 'done', 'rejected', out), '--from sft');
  t.equal(asked(out, out, out, out, out), '');
});
