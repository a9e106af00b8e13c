/**
 * The contenders of `lm`, each run in a fresh process of its own: none pays for another's heap, threads or mapped
 * files, and what it says of memory is its own. `run-contender.ts` is that process; modules are loaded there only.
 */
import { fork } from 'node:child_process';
import { compiledModule } from './compile.js';

type Decoders = typeof import('./lm-decoder.js');
type Engines = typeof import('./lm-serving.js');
type Files = typeof import('./lm-files.js');
type Peer = typeof import('./peers/llama-cpp.js');

export const contenders = {
  files: async (...args: Parameters<Files['makeLmFiles']>) =>
    (await import('./lm-files.js')).makeLmFiles(...args),
  decoder: async (...args: Parameters<Decoders['runDecoder']>) =>
    (await import('./lm-decoder.js')).runDecoder(...args),
  probe: async (...args: Parameters<Decoders['probeDecoder']>) =>
    (await import('./lm-decoder.js')).probeDecoder(...args),
  serving: async (...args: Parameters<Engines['runServing']>) =>
    (await import('./lm-serving.js')).runServing(...args),
  choices: async (...args: Parameters<Engines['runChoices']>) =>
    (await import('./lm-serving.js')).runChoices(...args),
  growth: async (...args: Parameters<Engines['runGrowth']>) =>
    (await import('./lm-serving.js')).runGrowth(...args),
  llama: async (...args: Parameters<Peer['runLlama']>) =>
    (await import('./peers/llama-cpp.js')).runLlama(...args),
  llamaTune: async (...args: Parameters<Peer['tuneLlama']>) =>
    (await import('./peers/llama-cpp.js')).tuneLlama(...args),
  llamaProbe: async (...args: Parameters<Peer['probeLlama']>) =>
    (await import('./peers/llama-cpp.js')).probeLlama(...args),
};

export type ContenderName = keyof typeof contenders;
type Contender<Name extends ContenderName> = (typeof contenders)[Name];

export interface ContenderTask {
  name: ContenderName;
  args: readonly unknown[];
}
export type ContenderMessage = { result: unknown } | { error: string };

/** @throws Error with the contender's own message where it failed. */
export async function runContender<Name extends ContenderName>(
  name: Name,
  ...args: Parameters<Contender<Name>>
): Promise<Awaited<ReturnType<Contender<Name>>>> {
  const program = await compiledModule('run-contender');
  type Result = Awaited<ReturnType<Contender<Name>>>;
  return new Promise<Result>((resolve, reject) => {
    const child = fork(program, {
      execArgv: ['--expose-gc'],
      serialization: 'advanced',
      stdio: ['ignore', 2, 2, 'ipc'],
    });
    let message: ContenderMessage | undefined;
    child.on('message', (received) => {
      message = received as ContenderMessage;
    });
    child.once('error', reject);
    child.once('exit', (status, signal) => {
      if (message === undefined)
        reject(new Error(`${name}: its process ended with ${signal ?? `status ${status}`}`));
      else if ('error' in message) reject(new Error(`${name}: ${message.error}`));
      else resolve(message.result as Result);
    });
    const task: ContenderTask = { name, args };
    child.send(task);
  });
}
