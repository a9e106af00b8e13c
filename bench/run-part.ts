/** Runs the part named on the command line in this process; options come and the report goes as messages. */
import { messageOf } from '../shared/errors.js';
import type { PartMessage } from './bench.js';
import { parts } from './parts.js';
import type { BenchOptions } from './report.js';

async function run(name: string, options: BenchOptions): Promise<PartMessage> {
  try {
    const part = await parts[name]?.load();
    if (part === undefined) return { error: `there is no part '${name}'` };
    return { report: await part(options) };
  } catch (error) {
    return { error: messageOf(error) };
  }
}

process.once('message', (options: BenchOptions) => {
  void run(process.argv[2] ?? '', options).then((message) => {
    process.send?.(message, () => process.exit());
  });
});
