/** What `haetae models import` does: says all that is missing or forbidden, then makes the bundle, or nothing. */
import { activateBundle, type Bundle } from '../shared/bundle/bundle-store.js';
import { importModel, planImport } from '../shared/bundle/import-model.js';
import { openLanguageModel } from '../shared/lm/open-language-model.js';
import { checkTable } from './check-table.js';
import { withInterrupt } from './interrupt.js';

export interface ImportFlags {
  modelsDir: string;
  base?: string;
  id?: string;
  mode: 'label' | 'continuation' | 'verify';
  rules?: 'contest';
  released?: string;
  context?: number;
  slots: number;
  activate?: boolean;
  force?: boolean;
  threads: number;
}

export async function importFolder(folder: string, flags: ImportFlags): Promise<void> {
  const { modelsDir, base, id, mode, rules, released, context, slots, threads } = flags;
  const plan = await planImport({
    folder,
    modelsDir,
    ...(base === undefined ? {} : { baseId: base }),
    ...(released === undefined ? {} : { released }),
    ...(rules === undefined ? {} : { rules }),
  });
  process.stdout.write(`${checkTable([...plan.model.checks, ...plan.ruleChecks])}\n`);
  await withInterrupt(async (signal) => {
    const bundle = await importModel(plan, {
      ...(id === undefined ? {} : { id }),
      mode,
      ...(context === undefined ? {} : { contextLength: context }),
      slots,
      replace: flags.force ?? false,
      openModel: (staged) => openLanguageModel(staged, { threads }),
      now: () => new Date(),
      signal,
      log: (line) => process.stderr.write(`import: ${line}\n`),
    }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    if (bundle === undefined) process.stderr.write('import: interrupted; nothing was written\n');
    else await finish(bundle, flags);
  });
}

async function finish({ manifest }: Bundle, { modelsDir, mode, activate }: ImportFlags): Promise<void> {
  process.stdout.write(`Made the bundle ${manifest.id} on ${manifest.parent}, mode ${mode}.\n`);
  if (activate) await activateBundle(modelsDir, manifest.id);
  process.stdout.write(
    activate
      ? `${manifest.id} is now the active bundle\n`
      : `Make it the active one with: haetae models activate ${manifest.id}\n`,
  );
}
