/**
 * Memory that a process can still take: what the kernel calls available (free, and what it can drop), and what its
 * control group leaves it, where a container or a job scheduler set a limit. The least of them counts.
 *
 * cgroup v2: `memory.max − memory.current` of the group and every group above it; v1: `memory.limit_in_bytes −
 * memory.usage_in_bytes`. File pages that the kernel would drop (`inactive_file`) count as free.
 */
import { readFile } from 'node:fs/promises';
import { freemem } from 'node:os';
import { dirname, join } from 'node:path';

export interface AvailableMemory {
  bytes: number;
  /** What sets the limit, for people. */
  limitedBy: string;
}

/** @param root of the file system, for tests. */
export async function availableMemory(root = '/'): Promise<AvailableMemory> {
  const limits = [await systemLimit(root), ...(await groupLimits(root))];
  return limits.reduce((least, it) => (it.bytes < least.bytes ? it : least));
}

async function systemLimit(root: string): Promise<AvailableMemory> {
  const kilobytes = /^MemAvailable:\s+(\d+) kB$/mu.exec(await text(join(root, 'proc/meminfo')))?.[1];
  const bytes = kilobytes === undefined ? freemem() : Number(kilobytes) * 1024;
  return { bytes, limitedBy: 'free memory of the machine' };
}

async function groupLimits(root: string): Promise<AvailableMemory[]> {
  const limits: AvailableMemory[] = [];
  for (const line of (await text(join(root, 'proc/self/cgroup'))).split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/u.exec(line) ?? [];
    if (path === undefined) continue;
    const isV1 = controllers!.split(',').includes('memory');
    if (controllers !== '' && !isV1) continue;
    const mount = join(root, isV1 ? 'sys/fs/cgroup/memory' : 'sys/fs/cgroup');
    const [max, current] = isV1
      ? ['memory.limit_in_bytes', 'memory.usage_in_bytes']
      : ['memory.max', 'memory.current'];
    // Inside a container the path is that of the host, and the mount shows the container's own group.
    for (const group of new Set([...ancestors(path), '/'])) {
      const [limit, used] = [
        await number(join(mount, group, max!)),
        await number(join(mount, group, current!)),
      ];
      if (limit === undefined || used === undefined || limit >= 2 ** 60) continue;
      const statistics = await text(join(mount, group, 'memory.stat'));
      const field = isV1 ? 'total_inactive_file' : 'inactive_file';
      const droppable = Number(new RegExp(`^${field} (\\d+)$`, 'mu').exec(statistics)?.[1] ?? 0);
      limits.push({
        bytes: Math.max(0, limit - used + droppable),
        limitedBy: `the memory limit of the control group (${Math.round(limit / 2 ** 20)} MiB)`,
      });
    }
  }
  return limits;
}

/** `/a/b` → `/a/b`, `/a`. */
function ancestors(path: string): string[] {
  const found: string[] = [];
  for (let at = path; at !== '/' && at !== '.'; at = dirname(at)) found.push(at);
  return found;
}

async function number(path: string): Promise<number | undefined> {
  const content = (await text(path)).trim();
  return /^\d+$/u.test(content) ? Number(content) : undefined; // "max": no limit
}

function text(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
