/** `haetae models list|show|verify|activate|rollback|import`: what the API can load. The store is loaded when a command runs. */
import { availableParallelism } from 'node:os';
import { Command, Option } from 'commander';
import type { Bundle } from '../../shared/bundle/bundle-store.js';
import { defaultFolder } from '../../shared/default-folder.js';
import { messageOf } from '../../shared/errors.js';
import { bundleArgument } from '../bundle-argument.js';
import { dateOption } from '../date-option.js';
import { wholeNumber } from '../number-option.js';

/** Loaded for its type alone. */
type ImportFlags = import('../import-folder.js').ImportFlags;

/** Compiling its schemas takes a fifth of a second, which `haetae serve` need not pay. */
const store = () => import('../../shared/bundle/bundle-store.js');

/** @param env of the process, which the program reads in one place. */
export function modelsCommand(env: NodeJS.ProcessEnv = {}): Command {
  const command = new Command('models').description(
    'List, show, verify, activate, go back from and make the bundles that the API loads',
  );
  const modelsDirOption = [
    '--models-dir <folder>',
    'folder of the bundles (HAETAE_MODELS_DIR)',
    env.HAETAE_MODELS_DIR || defaultFolder('models'),
  ] as const;
  command
    .command('list')
    .description('one line a bundle; * marks the active one')
    .option(...modelsDirOption)
    .action(async ({ modelsDir }: { modelsDir: string }) => list(modelsDir));
  command
    .command('show')
    .description('the manifest of a bundle as JSON (default: the active one)')
    .argument('[id]', 'bundle id')
    .option(...modelsDirOption)
    .action(async (id: string | undefined, { modelsDir }: { modelsDir: string }) => {
      const { readBundle } = await store();
      print(JSON.stringify((await readBundle(modelsDir, id)).manifest, null, 2));
    });
  command
    .command('verify')
    .description('read every byte and compare checksums (default: the active bundle)')
    .argument('[bundle]', 'its id, or its folder; a folder of bundles or of a pipeline: the active one there')
    .option('--load', 'load it too, as an engine does: it must work, and answer its probes')
    .option(...modelsDirOption)
    .action(async (named: string | undefined, options: { modelsDir: string; load?: true }) => {
      const { readBundle, verifyBundle } = await store();
      const { modelsDir, id } = await bundleArgument(named, options.modelsDir);
      const bundle = await readBundle(modelsDir, id);
      await verifyBundle(bundle);
      print(`${bundle.manifest.id}: ${bundle.manifest.files.length} files, all checksums match`);
      if (!options.load) return;
      const { loadProvenRuntime } = await import('../../shared/bundle/load-proven.js');
      const runtime = await loadProvenRuntime({
        modelsDir,
        bundleId: bundle.manifest.id,
        threads: availableParallelism(),
      });
      await runtime.close();
      print(`${bundle.manifest.id}: it loads, works, and answers its probes`);
    });
  command
    .command('activate')
    .description('make a bundle the active one; a running API changes over to it')
    .argument('<id>', 'bundle id')
    .option(...modelsDirOption)
    .action(async (id: string, { modelsDir }: { modelsDir: string }) => {
      const { activateBundle, readBundle, verifyBundle } = await store();
      const bundle = await readBundle(modelsDir, id);
      await verifyBundle(bundle);
      await activateBundle(modelsDir, id);
      print(`${id} is now the active bundle`);
    });
  command
    .command('weights')
    .description('copy what a bundle learnt (student, combining model), to be kept under version control')
    .argument('[bundle]', 'its id, or its folder (default: the active one)')
    .requiredOption('-o, --out <folder>', 'e.g. models/weights/default, from which the set-up makes its bundle')
    .option(...modelsDirOption)
    .action(async (named: string | undefined, options: { modelsDir: string; out: string }) => {
      const [{ readBundle }, { writeWeights }] = await Promise.all([
        store(),
        import('../../shared/bundle/bundle-weights.js'),
      ]);
      const { modelsDir, id } = await bundleArgument(named, options.modelsDir);
      const bundle = await readBundle(modelsDir, id);
      const { files } = await writeWeights(bundle, options.out);
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
      print(
        `${options.out}: ${files.length} files, ${(bytes / 1e6).toFixed(1)} MB of ${bundle.manifest.id}. Next: haetae train ensure`,
      );
    });
  command
    .command('rollback')
    .description('make the bundle that was active before the active one; again: further back')
    .option(...modelsDirOption)
    .action(async ({ modelsDir }: { modelsDir: string }) => {
      const { rollBack } = await import('../roll-back.js');
      print(`${await rollBack(modelsDir, print)} is now the active bundle`);
    });
  command
    .command('import')
    .description('make a bundle from a model folder and the documents of another bundle')
    .argument('<folder>', 'a Hugging Face folder, or what haetae quantize made of one')
    .option('--base <id>', 'bundle that the documents come from (default: the active one)')
    .option('--id <id>', 'id of the new bundle (default: from the name of the folder and its content)')
    .addOption(
      new Option('--mode <mode>', 'how choices are scored')
        .choices(['label', 'continuation', 'verify'])
        .default('label'),
    )
    .addOption(new Option('--rules <rules>', 'hold licence and date against rules').choices(['contest']))
    .option('--released <date>', 'when the model was published, where its folder does not say', dateOption)
    .option('--context <n>', 'longest prompt and output, tokens (default: at most 4096)', wholeNumber(64))
    .option('--slots <n>', 'sequences worked on at once', wholeNumber(1, 64), 8)
    .option('--activate', 'make it the active bundle')
    .option('--force', 'replace a bundle that has the id already')
    .option('--threads <n>', 'threads of native work', wholeNumber(1, 256), availableParallelism())
    .option(...modelsDirOption)
    .action(async (folder: string, options: ImportFlags) => {
      const { importFolder } = await import('../import-folder.js');
      await importFolder(folder, options);
    });
  return command;
}

async function list(modelsDir: string): Promise<void> {
  const { currentBundleId, listBundles, readBundle } = await store();
  const ids = await listBundles(modelsDir);
  if (ids.length === 0) {
    print(`There is no bundle in ${modelsDir}. Build one with: npm run setup`);
    return;
  }
  const active = await currentBundleId(modelsDir).catch(() => '');
  for (const id of ids) {
    const line = await readBundle(modelsDir, id).then(
      describe,
      (error: unknown) => `not valid: ${messageOf(error)}`,
    );
    print(`${id === active ? '*' : ' '} ${id}  ${line}`);
  }
}

function describe({ manifest }: Bundle): string {
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
  const { chunkCount, vectorIndex } = manifest.index;
  const { student, answering } = manifest;
  const model = student === null ? '' : `  ${student.name} (${answering.mode})`;
  return `${manifest.createdAt}  ${chunkCount} chunks  ${vectorIndex}  ${(bytes / 1e6).toFixed(0)} MB${model}`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
