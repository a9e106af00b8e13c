/**
 * The benchmark suite.
 *
 *     npm run bench -- retrieval                 all of the next line
 *     npm run bench -- classify | hybrid | hybrid-100k | bm25 | faiss | batch | ready
 *     npm run bench -- hot-load                  changing the bundle under load
 *     npm run bench -- lm --llama FOLDER         the language model, beside llama.cpp
 *     npm run bench -- train --torch-python PATH training, beside PyTorch
 *     npm run bench -- --help
 *
 * All but `lm` and `train` need what `npm run setup` makes: servers are started from `dist/`, the index is the active bundle. Each part
 * runs in a process of its own, so that none pays for another's heap or compiled code; each checks first that what
 * it is going to time gives right results, and fails where it does not. Budgets are the project's; the last line
 * of standard output is one JSON object. Exit status: 1 where a part failed, or with `--strict` where a budget was
 * missed. Figures count on a machine that does nothing else.
 */
import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os';
import { join, resolve as resolvePath } from 'node:path';
import { parseArgs } from 'node:util';
import { entryPoint } from '../shared/entry-point.js';
import { HaetaeError } from '../shared/errors.js';
import { readPackageInfo } from '../shared/package-info.js';
import { type MatmulPrecision, matmulPrecisions } from '../training/autodiff/tape.js';
import { kernelChoices } from './kernels-in-use.js';
import { type BenchOptions, type PartReport, renderFigures, summaryOf, verdictOf } from './report.js';
import { parts } from './parts.js';

const groups: Record<string, readonly string[]> = {
  retrieval: Object.keys(parts).filter((name) => !parts[name]?.isApart && !parts[name]?.isAlone),
};

const help = `Usage: npm run bench -- NAME [options]

  retrieval     all of the parts below but hot-load, lm and train
${Object.entries(parts)
  .map(([name, { about }]) => `  ${name.padEnd(13)} ${about}`)
  .join('\n')}

Options:
  --python PATH        a Python that has bm25s (default: BENCH_PYTHON, then python3)
  --faiss-python PATH  a Python that has faiss (default: BENCH_FAISS_PYTHON, then python3, then /usr/bin/python3)
  --llama FOLDER       a folder with node-llama-cpp (default: BENCH_LLAMA): npm i --ignore-scripts node-llama-cpp there
  --torch-python PATH  a Python that has torch (default: BENCH_TORCH_PYTHON, then python3)
  --work FOLDER        where lm keeps its model files, 2 GB, and train has some for a while
                       (default: haetae-bench below the system's temporary folder)
  --kernels NAME       of lm's int4 and of train: auto (default), runtime (ONNX Runtime's own) or native (this project's)
  --precision NAME     of train's matrix products: highest, high or medium (default: all that the processor has)
  --quick              small sizes, to try the bench itself; the figures mean nothing
  --strict             exit with 1 where a budget was missed
  --help

All but lm and train need 'npm run setup' first. The last line of the output is one JSON object.`;

/** What a part sends back from its process. */
export type PartMessage = { report: PartReport } | { error: string };

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      python: { type: 'string' },
      'faiss-python': { type: 'string' },
      llama: { type: 'string' },
      'torch-python': { type: 'string' },
      precision: { type: 'string' },
      work: { type: 'string' },
      kernels: { type: 'string', default: 'auto' },
      quick: { type: 'boolean', default: false },
      strict: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(help);
    return 0;
  }
  const [name = 'retrieval', ...rest] = positionals;
  const names = groups[name] ?? (name in parts ? [name] : undefined);
  if (names === undefined || rest.length > 0) {
    throw new HaetaeError(
      'USAGE',
      `There is no benchmark '${positionals.join(' ')}'. Known: ${[...Object.keys(groups), ...Object.keys(parts)].join(', ')}.`,
    );
  }
  if (names.some((part) => !parts[part]?.isApart)) requireSetup();
  const kernels = kernelChoices.find((choice) => choice === values.kernels);
  if (kernels === undefined)
    throw new HaetaeError('USAGE', `--kernels ${values.kernels} is none of ${kernelChoices.join(', ')}.`);
  const precision = values.precision === undefined ? null : matmulPrecisionOf(values.precision);
  const { env } = process;
  const options: BenchOptions = {
    python: values.python ?? env.BENCH_PYTHON ?? 'python3',
    faissPython: values['faiss-python'] ?? env.BENCH_FAISS_PYTHON ?? '',
    kernels,
    torchPython: values['torch-python'] ?? env.BENCH_TORCH_PYTHON ?? 'python3',
    precision,
    llama: values.llama ?? env.BENCH_LLAMA ?? null,
    lmWork: resolvePath(values.work ?? join(tmpdir(), 'haetae-bench')),
    quick: values.quick,
    environment: { ...env },
  };

  const reports = new Map<string, PartReport>();
  const failures: Record<string, string> = {};
  for (const part of names) {
    const started = performance.now();
    const message = await runPart(part, options);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    if ('error' in message) {
      failures[part] = message.error;
      console.log(`${part}: FAILED after ${seconds} s: ${message.error}`);
      continue;
    }
    reports.set(part, message.report);
    console.log(`${part} (${seconds} s)`);
    for (const line of renderFigures(message.report.figures)) console.log(line);
    for (const note of message.report.notes) console.log(`  ${note}`);
  }
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 1e9),
    node: process.version,
    quick: values.quick,
  };
  console.log(JSON.stringify(summaryOf(reports, failures, machine)));
  const missed = [...reports.values()].some(({ figures }) =>
    figures.some((figure) => verdictOf(figure) === 'MISSED'),
  );
  return Object.keys(failures).length > 0 || (values.strict && missed) ? 1 : 0;
}

function matmulPrecisionOf(name: string): MatmulPrecision {
  const precision = matmulPrecisions.find((it) => it === name);
  if (precision === undefined)
    throw new HaetaeError('USAGE', `--precision ${name} is none of ${matmulPrecisions.join(', ')}.`);
  return precision;
}

function requireSetup(): void {
  const { root } = readPackageInfo();
  for (const path of ['dist/cli/haetae.js', 'models/current']) {
    if (!existsSync(join(root, path))) {
      throw new HaetaeError('FILE_NOT_FOUND', `${path} is not there. Make it with: npm run setup`, { path });
    }
  }
}

/** Runs one part in a child process; its log goes to standard error. */
function runPart(name: string, options: BenchOptions): Promise<PartMessage> {
  return new Promise((resolve) => {
    const child = fork(entryPoint(import.meta.url, './run-part'), [name], {
      stdio: ['ignore', 2, 2, 'ipc'],
    });
    let message: PartMessage | undefined;
    child.on('message', (received) => {
      message = received as PartMessage;
    });
    child.once('error', (error) => resolve({ error: error.message }));
    child.once('exit', (code, signal) => {
      resolve(message ?? { error: `its process ended with ${signal ?? `status ${code}`}` });
    });
    child.send(options);
  });
}

main().then(
  (status) => {
    process.exitCode = status;
  },
  (error: unknown) => {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  },
);
