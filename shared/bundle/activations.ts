/**
 * Which bundles were active, one after the other: `models/activations.jsonl`, a line for each time that `current`
 * began to name another bundle. It is only appended to. What a kill has left of a last line is passed over.
 *
 * Read from the start, an activation puts a bundle on top of those before it, and a rollback takes off what lies
 * above the bundle it went back to. So a rollback after a rollback goes further back, not forth again.
 */
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';

export const Activation = Type.Object({
  at: Type.String({ description: 'ISO 8601' }),
  bundleId: Type.String(),
  kind: Type.Union([Type.Literal('activate'), Type.Literal('rollback')]),
});
export type Activation = Static<typeof Activation>;

export const activationsName = 'activations.jsonl';

const validator = Compile(Activation);

/** Resolves when the line is on the disk. */
export async function appendActivation(modelsDir: string, activation: Activation): Promise<void> {
  const path = join(modelsDir, activationsName);
  const torn = await endsTorn(path);
  const file = await open(path, 'a');
  try {
    await file.appendFile(`${torn ? '\n' : ''}${JSON.stringify(activation)}\n`);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** Oldest first; none where there is no such file. */
export async function readActivations(modelsDir: string): Promise<Activation[]> {
  const text = await readFile(join(modelsDir, activationsName), 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    const value = parseLine(line);
    return validator.Check(value) ? [value] : [];
  });
}

/** The bundles that a rollback can go back through, the active one last; `currentId` is on top whatever the file says. */
export function activeStack(activations: readonly Activation[], currentId?: string): string[] {
  const stack: string[] = [];
  for (const { bundleId, kind } of activations) (kind === 'rollback' ? goBackTo : putOn)(stack, bundleId);
  if (currentId) putOn(stack, currentId);
  return stack;
}

export function putOn(stack: string[], bundleId: string): void {
  if (stack.at(-1) !== bundleId) stack.push(bundleId);
}

export function goBackTo(stack: string[], bundleId: string): void {
  const at = stack.lastIndexOf(bundleId);
  if (at === -1) stack.push(bundleId);
  else stack.length = at + 1;
}

async function endsTorn(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text !== '' && !text.endsWith('\n');
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
