/**
 * Where a process's resident memory comes from: its own pages (anonymous), and pages of mapped files, which the
 * system can drop and read again. From `/proc/<pid>/status`; all MB are 10⁶ bytes.
 */
import { readFileSync } from 'node:fs';

export interface ProcessMemory {
  rssMb: number;
  /** Highest `rssMb` so far. */
  peakMb: number;
  anonMb: number;
  fileMb: number;
}

/** NaN for what the text does not say. */
export function parseProcessMemory(text: string): ProcessMemory {
  const field = (name: string): number => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'mu').exec(text);
    return found === null ? Number.NaN : (Number(found[1]) * 1024) / 1e6;
  };
  return {
    rssMb: field('VmRSS'),
    peakMb: field('VmHWM'),
    anonMb: field('RssAnon'),
    fileMb: field('RssFile'),
  };
}

/** Of this process; where there is no `/proc`, what Node knows. */
export function processMemory(): ProcessMemory {
  try {
    return parseProcessMemory(readFileSync('/proc/self/status', 'utf8'));
  } catch {
    const rssMb = process.memoryUsage.rss() / 1e6;
    const peakMb = (process.resourceUsage().maxRSS * 1024) / 1e6;
    return { rssMb, peakMb, anonMb: Number.NaN, fileMb: Number.NaN };
  }
}
