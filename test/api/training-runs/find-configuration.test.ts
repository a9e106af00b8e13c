import t from 'tap';
import { findConfiguration } from '../../../api/training-runs/find-configuration.js';

t.test(
  'a configuration is found by its name, whatever its form, and tells the name of its pipeline',
  async (t) => {
    const folder = t.testdir({
      'one.ts':
        "/** Like { name: 'comment' }. */\n// name: 'too'\nexport default {\n  name: 'one-a',\n  x: { name: 'b' },\n};\n",
      'two.yaml': 'name: two-a\ndistill:\n  iterations: 2\n',
      'three.json': '{ "distill": { "name": "no" }, "name": "three-a" }',
    });
    for (const [name, ending] of [
      ['one', 'ts'],
      ['two', 'yaml'],
      ['three', 'json'],
    ]) {
      t.strictSame(await findConfiguration(folder, name as string), {
        path: `${folder}/${name}.${ending}`,
        pipeline: `${name}-a`,
      });
    }
  },
);

t.test('what is not there, or no pipeline, is refused with the reason', async (t) => {
  const folder = t.testdir({
    'tiny.ts': "export default { name: 'tiny' };",
    'computed.ts': 'export default { name: makeName() };',
    'pretrain.yaml': 'program: pretrain\noutput: x\n',
    'pretrain.schema.json': '{ "$schema": "x", "type": "object" }',
    'broken.yaml': 'a: [',
    'odd.yaml': 'name: ../up\n',
    'list.json': '[1]',
    'folder.yaml': {},
    'notes.txt': 'name: notes',
  });
  const table: [string, RegExp][] = [
    ['nowhere', /^The configuration nowhere is not there\. Its folder holds .*tiny/u],
    ['notes', /is not there/u],
    ['folder', /is not there/u],
    [
      'pretrain',
      /pretrain\.yaml is the run file of one program, haetae train pretrain, and not of a pipeline/u,
    ],
    ['pretrain.schema', /is no configuration of a pipeline/u],
    ['computed', /none that can be seen without running it/u],
    ['broken', /broken\.yaml is not valid/u],
    ['odd', /is no configuration of a pipeline/u],
    ['list', /is no configuration of a pipeline/u],
  ];
  for (const [name, message] of table) {
    await t.rejects(
      findConfiguration(folder, name),
      { code: 'REQUEST_INVALID', message, data: { errors: [{ field: '/config' }] } },
      name,
    );
  }
  await t.rejects(findConfiguration(`${folder}/none`, 'tiny'), { message: /Its folder holds none/u });
});
