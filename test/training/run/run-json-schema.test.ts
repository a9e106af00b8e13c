import { readFile } from 'node:fs/promises';
import t from 'tap';
import { programs } from '../../../training/run/run-file-schema.js';
import { runJsonSchema } from '../../../training/run/run-json-schema.js';

for (const program of programs) {
  t.test(`the committed schema of ${program} is what the code says`, async (t) => {
    const path = new URL(`../../../training/runs/${program}.schema.json`, import.meta.url);
    t.equal(
      await readFile(path, 'utf8'),
      runJsonSchema(program),
      'run node --import=tsx training/run/write-run-schemas.ts',
    );
  });
}

t.test('editors do not ask for fields that have a default', async (t) => {
  const schema = JSON.parse(runJsonSchema('sft'));
  t.strictSame(schema.required, ['program', 'output', 'model', 'data']);
  t.notOk(schema.properties.optimizer.required);
  t.strictSame(schema.properties.data.required, ['train', 'length', 'rows']);
});
