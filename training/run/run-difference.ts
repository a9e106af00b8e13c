/** What stands between a checkpoint and a run that would go on from it: settings and inputs that are not the same. */
import { HaetaeError } from '../../shared/errors.js';

/** Settings that do not change what is computed, or only from the next step on as one would expect. */
const mayChange: readonly RegExp[] = [
  /^output$/u,
  /^threads$/u,
  /^memory\./u,
  /^checkpoint\./u,
  /^evaluation\.everySteps$/u,
  /^divergence(?:\.|$)/u,
];

/** `path: was A, is B` of each setting that differs. Objects are compared by their fields, lists as a whole. */
export function settingDifferences(
  before: Readonly<Record<string, unknown>>,
  now: Readonly<Record<string, unknown>>,
): string[] {
  const [old, present] = [flatten(before), flatten(now)];
  return [...new Set([...old.keys(), ...present.keys()])]
    .filter((path) => !mayChange.some((pattern) => pattern.test(path)))
    .filter((path) => old.get(path) !== present.get(path))
    .map((path) => `${path} was ${old.get(path) ?? 'absent'}, is ${present.get(path) ?? 'absent'}`);
}

/** Inputs whose content is another, that are gone, or that came. */
export function inputDifferences(
  before: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(now)])]
    .filter((name) => before[name] !== now[name])
    .map((name) => {
      if (before[name] === undefined) return `${name} was not there`;
      return `${name} ${now[name] === undefined ? 'is gone' : 'has another content'}`;
    });
}

/** @throws HaetaeError CONFIG_INVALID that names every difference */
export function refuseDifferences(checkpoint: string, differences: readonly string[]): void {
  if (differences.length === 0) return;
  throw new HaetaeError(
    'CONFIG_INVALID',
    `${checkpoint} cannot be resumed, since the run is not the one it was made by: ${differences.join('; ')}. ` +
      'Put it back as it was, or train into another folder with --output.',
    { checkpoint, differences },
  );
}

function flatten(value: unknown, path = '', into = new Map<string, string>()): Map<string, string> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    for (const [key, inner] of Object.entries(value)) flatten(inner, path ? `${path}.${key}` : key, into);
  } else if (value !== undefined) into.set(path, JSON.stringify(value));
  return into;
}
