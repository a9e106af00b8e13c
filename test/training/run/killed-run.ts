/** `killed-run.ts FOLDER`: trains into the folder, saying each step on stdout, until it is done or killed. */
import { setTimeout } from 'node:timers/promises';
import { newestCheckpoint } from '../../../training/run/checkpoint-folder.js';
import { trainLoop } from '../../../training/run/train-loop.js';
import { QuadraticTask } from './quadratic-task.js';

const output = process.argv[2]!;
const beforeStep = async (step: number) => {
  process.stdout.write(`${step}\n`);
  await setTimeout(2);
};
await trainLoop(new QuadraticTask({ beforeStep }), {
  ...{ program: 'pretrain', output, config: { seed: 1 }, inputs: { 'a.txt': 'abc' } },
  checkpoint: await newestCheckpoint(output, () => {}),
  ...{ evaluateEverySteps: 5, checkpointEverySteps: 4, keepCheckpoints: 2 },
  divergence: { factor: 3, steps: 5 },
  signal: new AbortController().signal,
  startProgress: () => ({ step: () => {}, note: () => {}, stop: () => {} }),
});
