import t from 'tap';
import { ropeTables } from '../../../shared/lm/rope.js';
import { seededRandom } from '../../../shared/random.js';
import { CausalAttention } from '../../../training/blocks/causal-attention.js';
import { rotationTables } from '../../../training/blocks/rope.js';
import { type Block, formDifference, gradientError, kernelForms, runForm } from './forms.js';
import { plainAttention } from './primitives.js';

interface Case {
  what: string;
  rows: number;
  length: number;
  nHead: number;
  nKvHead: number;
  headDim: number;
  window: number | null;
  /** Lengths of the documents of each row; what is left is padding, each token of which sees itself. */
  documents?: number[][];
}

const packed = [
  [5, 1, 4],
  [3, 9],
];
const packedBlocks = [
  [70, 60],
  [10, 130, 10],
];
/** Heads of other sizes than multiples of 16 are never computed by our operators. */
const cases: Case[] = [
  { what: 'one head', rows: 1, length: 5, nHead: 1, nKvHead: 1, headDim: 16, window: null },
  { what: 'groups of three heads', rows: 2, length: 7, nHead: 6, nKvHead: 2, headDim: 32, window: null },
  { what: 'one head of keys', rows: 1, length: 6, nHead: 4, nKvHead: 1, headDim: 48, window: null },
  { what: 'a window of 3', rows: 2, length: 9, nHead: 2, nKvHead: 1, headDim: 16, window: 3 },
  { what: 'a window of 1', rows: 1, length: 4, nHead: 2, nKvHead: 2, headDim: 4, window: 1 },
  {
    what: 'documents',
    rows: 2,
    length: 12,
    nHead: 4,
    nKvHead: 2,
    headDim: 4,
    window: null,
    documents: packed,
  },
  {
    what: 'wide documents',
    rows: 2,
    length: 12,
    nHead: 4,
    nKvHead: 2,
    headDim: 16,
    window: null,
    documents: packed,
  },
  {
    ...{ what: 'documents, a window, blocks', rows: 2, length: 150, nHead: 4, nKvHead: 2, headDim: 6 },
    ...{ window: 20, documents: packedBlocks },
  },
  {
    ...{ what: 'wide documents, a window, blocks', rows: 2, length: 150, nHead: 4, nKvHead: 2, headDim: 16 },
    ...{ window: 20, documents: packedBlocks },
  },
  { what: 'several blocks', rows: 1, length: 200, nHead: 2, nKvHead: 1, headDim: 64, window: null },
];

/** `visible_from` of packed rows. */
function visibleFrom({ rows, length, documents }: Case): Int32Array {
  const from = Int32Array.from({ length: rows * length }, (_, i) => (documents ? i % length : 0));
  for (const [row, sizes] of (documents ?? []).entries()) {
    let start = 0;
    for (const size of sizes) {
      from.fill(start, row * length + start, row * length + start + size);
      start += size;
    }
  }
  return from;
}

function forms(it: Case, from: Int32Array): { block: Block; primitives: Block } {
  const { rows, length, nHead, nKvHead, headDim, window } = it;
  const values = ropeTables({ headDim, ropeTheta: 100, ropeScaling: { type: 'default' } }, length);
  const parameters = { qkv: [rows * length, (nHead + 2 * nKvHead) * headDim] };
  const feeds = { visibleFrom: { type: 'int32', shape: [rows, length], data: from } } as const;
  return {
    block: {
      parameters,
      feeds,
      build: (tape, inputs) => {
        const tables = rotationTables(tape, values);
        const batch = { rows, length, visibleFrom: inputs.visibleFrom!, tables };
        return new CausalAttention(tape, batch, it).attend(inputs.qkv!, window);
      },
    },
    primitives: {
      parameters,
      build: (tape, { qkv }) => {
        const { cos, sin } = rotationTables(tape, values);
        const sees = (row: number, query: number, key: number) =>
          key <= query && key >= from[row * length + query]! && query - key < (window ?? length);
        return plainAttention(tape, qkv!, it, { rows, length, cos, sin }, sees);
      },
    },
  };
}

for (const kernels of kernelForms) {
  for (const it of cases) {
    t.test(`attention with ${it.what} (kernels "${kernels}")`, async (t) => {
      const { block, primitives } = forms(it, visibleFrom(it));
      const difference = formDifference(await runForm(block, { kernels }), await runForm(primitives, {}));
      t.ok(difference < 2e-6, `against primitives: ${difference}`);
      const error = await gradientError(block, { kernels });
      t.ok(error < 1e-3, `against finite differences: ${error}`);
    });
  }

  t.test(`attention with random sizes agrees with primitives (kernels "${kernels}")`, async (t) => {
    const random = seededRandom(5);
    const upTo = (n: number) => 1 + Math.floor(random() * n);
    for (let i = 0; i < 12; i++) {
      const nKvHead = upTo(3);
      const length = upTo(140);
      const it: Case = {
        ...{ what: '', rows: upTo(3), length, nHead: nKvHead * upTo(3), nKvHead },
        ...{
          headDim: i % 2 === 0 ? 16 * upTo(4) : 2 * upTo(20),
          window: random() < 0.5 ? null : upTo(length + 5),
        },
      };
      // Any start up to the token itself, also such as packing would not make.
      const from = Int32Array.from({ length: it.rows * length }, (_, at) =>
        Math.floor(random() * ((at % length) + 1)),
      );
      const { block, primitives } = forms(it, from);
      const difference = formDifference(await runForm(block, { kernels }), await runForm(primitives, {}));
      t.ok(difference < 2e-6, `${JSON.stringify(it)}: ${difference}`);
    }
  });
}
