import t from 'tap';
import type { RopeScaling } from '../../../shared/lm/model-config.js';
import { ropeTables } from '../../../shared/lm/rope.js';
import { rotate, rotationTables } from '../../../training/blocks/rope.js';
import { type Block, formDifference, gradientError, runForm } from './forms.js';
import { plainRotate } from './primitives.js';

const scalings: [heads: number, headDim: number, ropeScaling: RopeScaling][] = [
  [3, 8, { type: 'default' }],
  [1, 6, { type: 'linear', factor: 2 }],
  [
    2,
    2,
    {
      ...{ type: 'yarn', factor: 4, originalMaxPositions: 8, betaFast: 32, betaSlow: 1 },
      ...{ attentionFactor: 1.7, truncate: true },
    },
  ],
];

for (const [heads, headDim, ropeScaling] of scalings) {
  t.test(`rotation of ${heads} heads of ${headDim}, ${ropeScaling.type} scaling`, async (t) => {
    const length = 9;
    const shape = [2, heads, length, headDim];
    const values = ropeTables({ headDim, ropeTheta: 100, ropeScaling }, length);
    const block: Block = {
      parameters: { x: shape },
      build: (tape, { x }) => rotate(tape, x!, rotationTables(tape, values)),
    };
    const primitives: Block = {
      parameters: { x: shape },
      build: (tape, { x }) => {
        const { cos, sin } = rotationTables(tape, values);
        return plainRotate(tape, x!, cos, sin);
      },
    };
    const difference = formDifference(await runForm(block, {}), await runForm(primitives, {}));
    t.ok(difference < 1e-6, `against primitives: ${difference}`);
    const error = await gradientError(block, {});
    t.ok(error < 1e-3, `against finite differences: ${error}`);
  });
}
