/** Runs one contender of `lm` in this process: its name and arguments come as a message, its result goes as one. */
import { messageOf } from '../shared/errors.js';
import { type ContenderMessage, type ContenderTask, contenders } from './lm-contenders.js';

async function run({ name, args }: ContenderTask): Promise<ContenderMessage> {
  try {
    const contender = contenders[name] as (...args: readonly unknown[]) => Promise<unknown>;
    return { result: await contender(...args) };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

process.once('message', (task: ContenderTask) => {
  void run(task).then((message) => {
    process.send?.(message, () => process.exit());
  });
});
/** The bench was stopped: nobody waits for the result. */
process.once('disconnect', () => process.exit());
