/**
 * Times and memory, the same way for every part.
 *
 * Percentiles are nearest-rank over single calls (no averaging inside a sample): p99 of 500 calls is the 495th.
 * Memory is what Linux says of a process and its descendants: `VmRSS` now, `VmHWM` at its highest; pages that
 * processes share count in each of them, so a sum over processes is an upper bound.
 */
import { readdir, readFile } from 'node:fs/promises';

export interface Latency {
  calls: number;
  meanMs: number;
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

/** The nearest-rank percentile of ascending numbers; p in 0..100. NaN where there are none. */
export function percentile(ascending: ArrayLike<number>, p: number): number {
  const rank = Math.ceil((p / 100) * ascending.length);
  return ascending[Math.min(ascending.length, Math.max(1, rank)) - 1] ?? Number.NaN;
}

export function median(numbers: readonly number[]): number {
  return percentile(
    [...numbers].sort((a, b) => a - b),
    50,
  );
}

/** Summary of single calls, in any order. */
export function latencyOf(timesMs: ArrayLike<number>): Latency {
  const sorted = Float64Array.from(timesMs).sort();
  return {
    calls: sorted.length,
    meanMs: sorted.reduce((sum, time) => sum + time, 0) / sorted.length,
    p50Ms: percentile(sorted, 50),
    p99Ms: percentile(sorted, 99),
    maxMs: sorted.at(-1) ?? Number.NaN,
  };
}

/** Times each call on its own. */
export function timeSync<T>(inputs: readonly T[], call: (input: T) => unknown): Latency {
  const times = new Float64Array(inputs.length);
  for (const [i, input] of inputs.entries()) {
    const started = performance.now();
    call(input);
    times[i] = performance.now() - started;
  }
  return latencyOf(times);
}

/** Times each call on its own, one after the other; results are handed to `visit` outside the clock. */
export async function timeAsync<T, R>(
  inputs: readonly T[],
  call: (input: T) => Promise<R>,
  visit: (result: R, index: number) => void = () => {},
): Promise<Latency> {
  const times = new Float64Array(inputs.length);
  for (const [i, input] of inputs.entries()) {
    const started = performance.now();
    const result = await call(input);
    times[i] = performance.now() - started;
    visit(result, i);
  }
  return latencyOf(times);
}

/** The highest resident memory of this process so far, MB (10⁶ bytes). */
export function peakRssMb(): number {
  return (process.resourceUsage().maxRSS * 1024) / 1e6;
}

export interface ProcessStatus {
  parentPid: number;
  rssMb: number;
  peakMb: number;
}

/** What the text of `/proc/<pid>/status` says; a kernel thread has no memory. */
export function parseProcessStatus(text: string): ProcessStatus {
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'mu').exec(text)?.[1] ?? 0);
  return {
    parentPid: field('PPid'),
    rssMb: (field('VmRSS') * 1024) / 1e6,
    peakMb: (field('VmHWM') * 1024) / 1e6,
  };
}

/** A process and all its descendants. */
export function treeOf(rootPid: number, all: ReadonlyMap<number, ProcessStatus>): ProcessStatus[] {
  const inTree = (pid: number): boolean => {
    if (pid === rootPid) return true;
    const parent = all.get(pid)?.parentPid ?? 0;
    return parent > 0 && inTree(parent);
  };
  return [...all].filter(([pid]) => inTree(pid)).map(([, status]) => status);
}

/** Memory of a process with its descendants, MB, summed; null where there is no `/proc`. */
export async function treeMemory(
  rootPid: number,
): Promise<{ processes: number; rssMb: number; peakMb: number } | null> {
  const names = await readdir('/proc').catch(() => null);
  if (names === null) return null;
  const all = new Map<number, ProcessStatus>();
  for (const name of names.filter((name) => /^\d+$/u.test(name))) {
    const text = await readFile(`/proc/${name}/status`, 'utf8').catch(() => null); // it may have ended by now
    if (text !== null) all.set(Number(name), parseProcessStatus(text));
  }
  const tree = treeOf(rootPid, all);
  return {
    processes: tree.length,
    rssMb: tree.reduce((sum, { rssMb }) => sum + rssMb, 0),
    peakMb: tree.reduce((sum, { peakMb }) => sum + peakMb, 0),
  };
}
