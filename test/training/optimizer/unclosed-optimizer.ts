/** An optimizer with workers in a process that ends as its argument says, without closing it: `kernel-threads.test.ts`. */
import { AdamW } from '../../../training/optimizer/adamw.js';
import { ParameterMemory } from '../../../training/optimizer/parameter-memory.js';

const [how] = process.argv.slice(2);
const specs = [{ name: 'x', shape: [1_000_000], decay: true }];
const memory = ParameterMemory.allocate(specs, { accumulate: false, threads: 3 });
const options = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, maxGradNorm: null };
const optimizer = new AdamW(memory, options);

function train(): void {
  optimizer.step(1e-3);
  if (optimizer.threads < 3) setTimeout(train, 10);
  else end();
}

function end(): void {
  if (how === 'throw') throw new Error('not caught');
  if (how === 'exit') process.exit(7);
  if (how === 'signal') {
    process.once('SIGINT', () => process.exit(130));
    setInterval(() => optimizer.step(1e-3), 1);
    process.send!('ready');
  } else {
    process.disconnect();
  }
}

train();
