import { Writable } from 'node:stream';
import t from 'tap';
import type { StepMetrics } from '../../../training/run/metrics-log.js';
import { startTrainingProgress } from '../../../training/run/training-progress.js';

function screen(isTTY: boolean) {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  }) as Writable & { isTTY: boolean };
  stream.isTTY = isTTY;
  return { stream, text: () => text };
}

const metrics = (step: number): StepMetrics => ({
  ...{ step, epoch: 0.1, tokens: 100 * step, loss: 2.34567, gradNorm: 0.98765, learningRate: 3e-4 },
  ...{ tokensPerSecond: 4876.5, seconds: step },
});

t.test(
  'without a terminal there is a line for the first step, the last, and every ten seconds',
  async (t) => {
    const { stream, text } = screen(false);
    let now = 0;
    const progress = startTrainingProgress({
      label: 'sft',
      firstStep: 1,
      totalSteps: 40,
      stream,
      now: () => now,
    });
    for (let step = 1; step <= 40; step++) {
      now += 1000;
      progress.step(metrics(step));
    }
    progress.stop();
    const lines = text().trimEnd().split('\n');
    t.strictSame(
      lines.map((line) => line.split(' · ')[0]),
      ['sft 1/40', 'sft 11/40', 'sft 21/40', 'sft 31/40', 'sft 40/40'],
    );
    t.equal(lines[1], 'sft 11/40 · loss 2.3457 · 4,877 tokens/s · grad norm 0.988 · lr 3.00e-4 · 29 s left');
  },
);

t.test('a resumed run reckons with the steps of this session', async (t) => {
  const { stream, text } = screen(false);
  let now = 0;
  const progress = startTrainingProgress({
    label: 'sft',
    firstStep: 31,
    totalSteps: 41,
    stream,
    now: () => now,
  });
  now = 2000;
  progress.step(metrics(31));
  t.match(text(), / · 20 s left\n$/);
});

t.test('on a terminal there is a bar; notes stand above it', async (t) => {
  const { stream, text } = screen(true);
  const progress = startTrainingProgress({ label: 'sft', firstStep: 1, totalSteps: 4, stream });
  progress.step(metrics(2));
  progress.note('validation at step 2: loss 2.0000');
  progress.stop();
  progress.stop();
  t.match(text(), /validation at step 2: loss 2\.0000\n/);
});
