/** `haetae merge`: a LoRA adapter into the model it was trained on; what it needs is loaded when it runs. */
import { Command } from 'commander';
import { startProgress } from '../../shared/progress.js';
import { withInterrupt } from '../interrupt.js';

interface MergeArguments {
  base: string;
  adapter: string;
  out: string;
}

export function mergeCommand(): Command {
  return new Command('merge')
    .description('put a LoRA adapter (PEFT layout) into the model folder it was trained on, as a new folder')
    .requiredOption('--base <folder>', 'model folder with config.json and safetensors')
    .requiredOption('--adapter <folder>', 'folder with adapter_config.json and adapter_model.safetensors')
    .requiredOption('--out <folder>', 'folder to make; must not exist')
    .action(async ({ base, adapter, out }: MergeArguments) => {
      const { mergeAdapter } = await import('../../training/model/merge-adapter.js');
      await withInterrupt(async (signal) => {
        try {
          const progress = (total: number) => startProgress('merge', total);
          const { merged, tensors, r, alpha } = await mergeAdapter({ base, adapter, out, signal, progress });
          process.stdout.write(
            `${out}: ${merged} of ${tensors} tensors changed by the adapter (r ${r}, alpha ${alpha})\n`,
          );
        } catch (error) {
          if (!signal.aborted) throw error;
          process.stderr.write('interrupted\n');
        }
      });
    });
}
