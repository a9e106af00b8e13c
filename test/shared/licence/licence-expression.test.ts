import t from 'tap';
import { licenceExpression } from '../../../shared/licence/licence-expression.js';

const cases: [written: string[], expression: string][] = [
  [['apache-2.0'], 'Apache-2.0'],
  [['apache-2.0', 'Apache License, Version 2.0'], 'Apache-2.0'],
  [['mit', 'cc-by-nc-sa-4.0'], 'CC-BY-NC-SA-4.0 AND MIT'],
  [['llama3.1'], 'LicenseRef-llama3.1'],
  [['공공누리 제1유형'], 'LicenseRef-KOGL-1'],
  [['qwen_research license'], 'LicenseRef-qwen-research-license'],
  [[], 'NOASSERTION'],
  [['apache-2.0', '"Qwen RESEARCH LICENSE AGREEMENT"'], 'NOASSERTION'],
  [['apache-2.0 (with conditions) and more'], 'NOASSERTION'],
  [['***'], 'NOASSERTION'],
];
for (const [written, expression] of cases)
  t.test(`${JSON.stringify(written)} is ${expression}`, async (t) =>
    t.equal(licenceExpression(written), expression),
  );
