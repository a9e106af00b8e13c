import t from 'tap';
import {
  contestLicenceRules,
  documentLicences,
  licenceTable,
  type ModelLicence,
  refusedLicences,
  refuseLicences,
} from '../../../training/licence/licence-table.js';

const rules = contestLicenceRules;
const law = {
  publisher: '국가법령정보센터',
  licence: 'public-domain',
  documents: 84,
  latestEffective: '2025-07-22',
};
const card = (licence: string, released?: string): NonNullable<ModelLicence['card']> => ({
  licences: licence === '' ? [] : [{ value: licence, from: 'README.md' }],
  released: released === undefined ? [] : [{ value: released, from: 'README.md, released' }],
  baseModels: [],
});
const student: ModelLicence = {
  name: 'student',
  kind: 'model',
  origin: 'folder',
  card: card('apache-2.0', '2024-09-19'),
};
const only = (options: Partial<Parameters<typeof licenceTable>[0]>) => {
  const [row] = licenceTable({ documents: [], models: [], ...options });
  if (row === undefined) throw new Error('no row');
  return row;
};
const verdict = (model: Partial<ModelLicence>, withRules = true) =>
  only({ models: [{ ...student, ...model }], ...(withRules ? { rules } : {}) }).verdict;

t.test('each publisher and each model has a row that says what is known', async (t) => {
  t.strictSame(licenceTable({ documents: [law], models: [student], rules }), [
    {
      ...{ subject: '국가법령정보센터, 84 documents', kind: 'data', licence: 'public-domain' },
      ...{
        released: 'last effective 2025-07-22',
        access: 'public domain',
        restrictions: 'none',
        verdict: 'ok',
      },
    },
    {
      ...{ subject: 'student', kind: 'model', licence: 'apache-2.0', released: '2024-09-19', access: 'open' },
      ...{ restrictions: 'the notices stay, changes are stated', verdict: 'ok' },
    },
  ]);
});

t.test('documents are grouped by publisher and licence, with the last day one takes effect', async (t) => {
  const chunk = (source: string, effective: string, licence = 'CC-BY-4.0') => ({
    ...{ source, effective, licence, publisher: 'KISA', url: '' },
  });
  t.strictSame(
    documentLicences([
      chunk('a', '2025-01-01'),
      chunk('a', '2025-03-01'),
      chunk('b', ''),
      chunk('c', '', 'MIT'),
    ]),
    [
      { publisher: 'KISA', licence: 'CC-BY-4.0', documents: 2, latestEffective: '2025-03-01' },
      { publisher: 'KISA', licence: 'MIT', documents: 1, latestEffective: '' },
    ],
  );
});

t.test('under rules a document needs a licence that they allow', async (t) => {
  const data = (licence: string, withRules = true) =>
    only({ documents: [{ ...law, licence }], ...(withRules ? { rules } : {}) }).verdict;
  t.equal(data('KOGL-1'), 'ok');
  t.equal(data('CC-BY-NC-4.0'), 'broken');
  t.equal(data('unknown'), 'missing');
  t.equal(data('CC-BY-NC-4.0', false), 'ok', 'someone allowed it');
  t.equal(data('unknown', false), 'note');
  t.equal(data('house-rules', false), 'note');
});

t.test('texts that take effect after the cut-off are for a person to judge', async (t) => {
  const row = only({ documents: [{ ...law, latestEffective: '2025-08-01' }], rules });
  t.equal(row.verdict, 'note');
  t.match(row.remedy, /before 2025-08-01/);
  t.equal(
    only({ documents: [{ ...law, latestEffective: '2025-08-01' }] }).verdict,
    'ok',
    'there is no cut-off',
  );
});

t.test('under rules a model needs an allowed licence and a date before the cut-off', async (t) => {
  t.equal(verdict({ card: card('gemma', '2024-09-19') }), 'broken');
  t.equal(
    verdict({ card: card('mit (research only)', '2024-09-19') }),
    'broken',
    'a remark may take anything back',
  );
  t.equal(verdict({ card: card('', '2024-09-19') }), 'missing');
  t.equal(verdict({ card: card('mit') }), 'missing');
  t.equal(verdict({ card: card('mit'), released: '2025-07-31' }), 'ok', 'the user says when');
  t.equal(verdict({ card: card('mit'), released: '2025-08-01' }), 'broken');
  t.equal(verdict({ card: card('mit', '2024-01-01'), released: '2024-02-02' }), 'broken', 'two dates');
  t.equal(verdict({ card: { ...card('mit', '2024-01-01'), baseModels: ['Other/base'] } }), 'note');
});

t.test('without rules nothing stands in the way', async (t) => {
  for (const licence of ['', 'gemma', 'house-rules', 'NOASSERTION'])
    t.match(verdict({ card: card(licence) }, false), /^(?:ok|note)$/);
});

t.test('the worst of several findings is the verdict, and every remedy is told', async (t) => {
  const row = only({
    models: [{ ...student, card: { ...card('gemma'), baseModels: ['Other/base'] } }],
    rules,
  });
  t.equal(row.verdict, 'broken');
  t.match(row.remedy, /Apache-2\.0/);
  t.match(row.remedy, /published/);
  t.match(row.remedy, /Other\/base/);
});

t.test('what the pipeline makes itself needs no licence from elsewhere', async (t) => {
  const made = only({
    models: [{ name: 'pretrained', kind: 'model', origin: 'made', licence: 'MIT' }],
    rules,
  });
  t.match(made, { licence: 'MIT', released: 'not published', access: 'made here', verdict: 'ok' });
  const statute = only({ models: [{ name: 'statute', kind: 'teacher', origin: 'program' }], rules });
  t.match(statute, { restrictions: 'none of its own', verdict: 'ok' });
});

t.test("a teacher's terms on its output are for a person to judge, unless its licence is free", async (t) => {
  const teacher = (licence: string) =>
    only({ models: [{ ...student, kind: 'teacher', card: card(licence, '2024-09-19') }] });
  t.equal(teacher('apache-2.0').verdict, 'ok');
  t.equal(teacher('llama3').verdict, 'note');
  t.match(teacher('llama3').remedy, /output train another/);
  t.equal(only({ models: [{ ...student, card: card('llama3') }] }).verdict, 'ok', 'a student trains nobody');
});

t.test('what is behind an address nobody can tell: a note, under rules too', async (t) => {
  const remote = only({ models: [{ name: 'big-model', kind: 'teacher', origin: 'remote' }], rules });
  t.match(remote, {
    licence: 'not known',
    released: 'not known',
    access: 'over the network',
    verdict: 'note',
  });
  t.match(remote.remedy, /output train another/);
});

t.test('rows that stand in the way refuse the model, by name and with what to do', async (t) => {
  const rows = licenceTable({
    documents: [law, { ...law, publisher: '어느 기관', licence: 'CC-BY-NC-4.0' }],
    models: [student],
    rules,
  });
  t.strictSame(
    refusedLicences(rows).map(({ subject }) => subject),
    ['어느 기관, 84 documents'],
  );
  t.throws(() => refuseLicences(rows), {
    code: 'MODEL_REFUSED',
    message: /어느 기관.*Leave out these documents/u,
  });
  t.doesNotThrow(() => refuseLicences(licenceTable({ documents: [law], models: [student], rules })));
});
