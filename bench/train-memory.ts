/** Resident memory of `train` over many steps, which must stay flat: a leak of one tensor a step shows at once. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { growthPerThousand, spreadOf } from './lm-statistics.js';
import { processMemory } from './process-memory.js';
import type { Figure } from './report.js';
import { Engine, type EngineSetting, startingPoint } from './train-engine.js';
import type { TrainModel } from './train-models.js';

export interface GrowthPlan {
  steps: number;
  /** Before the first reading. */
  warmup: number;
}

/** MB that many steps of one model add, by least squares over readings after a collection of garbage. */
export async function memoryGrowth(
  model: TrainModel,
  setting: Pick<EngineSetting, 'kernels' | 'threads'>,
  { steps: count, warmup }: GrowthPlan,
): Promise<Figure> {
  const { kernels, threads } = setting;
  const engine = await Engine.open(startingPoint(model, 1), { kernels, precision: 'highest', threads });
  const [steps, rssMb]: [number[], number[]] = [[], []];
  try {
    await engine.steps(warmup);
    collectGarbage();
    for (let done = 0; done < count; ) {
      const next = Math.min(10, count - done);
      await engine.steps(next);
      done += next;
      collectGarbage();
      steps.push(done);
      rssMb.push(processMemory().rssMb);
    }
  } finally {
    await engine.close();
  }
  const { min, max } = spreadOf(rssMb);
  return {
    key: 'rssGrowthMb',
    value: (growthPerThousand(steps, rssMb) * count) / 1000,
    budget: { atMost: 4 },
    note: `slope over ${count} steps of ${model.name} after ${warmup}; ${min.toFixed(1)} to ${max.toFixed(1)} MB`,
  };
}

/** Young garbage takes up to 32 MB before it is collected, which is no growth. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
