import t from 'tap';
import { availableMemory } from '../../../training/run/available-memory.js';

const MiB = 2 ** 20;
const meminfo = 'MemTotal:       16384000 kB\nMemFree:  1000 kB\nMemAvailable:    8192000 kB\n';

t.test('without a control group the kernel says what is available', async (t) => {
  const root = t.testdir({ proc: { meminfo } });
  t.match(await availableMemory(root), { bytes: 8_192_000 * 1024, limitedBy: 'free memory of the machine' });
});

t.test('a limit of cgroup v2 counts, also one further up, less what can be dropped', async (t) => {
  const group = (max: string, current: string, inactive: string) => ({
    'memory.max': `${max}\n`,
    'memory.current': `${current}\n`,
    'memory.stat': `anon 5\ninactive_file ${inactive}\n`,
  });
  const root = t.testdir({
    proc: { meminfo, self: { cgroup: '0::/jobs/one\n' } },
    sys: {
      fs: {
        cgroup: {
          jobs: { ...group(`${512 * MiB}`, `${500 * MiB}`, `${20 * MiB}`), one: group('max', '7', '0') },
        },
      },
    },
  });
  t.match(await availableMemory(root), { bytes: 32 * MiB, limitedBy: /control group \(512 MiB\)/ });
});

t.test('inside a container the mount itself is the group', async (t) => {
  const root = t.testdir({
    proc: { meminfo, self: { cgroup: '0::/docker/abc\n' } },
    sys: { fs: { cgroup: { 'memory.max': `${256 * MiB}`, 'memory.current': `${300 * MiB}` } } },
  });
  t.equal((await availableMemory(root)).bytes, 0, 'over the limit: nothing is left');
});

t.test('a limit of cgroup v1 counts; its number for none does not', async (t) => {
  const group = (limit: string) => ({
    proc: { meminfo, self: { cgroup: '12:cpu,cpuacct:/x\n5:memory:/box\n' } },
    sys: {
      fs: {
        cgroup: {
          memory: {
            box: {
              'memory.limit_in_bytes': limit,
              'memory.usage_in_bytes': `${30 * MiB}`,
              'memory.stat': `inactive_file 1\ntotal_inactive_file ${10 * MiB}\n`,
            },
          },
        },
      },
    },
  });
  t.equal((await availableMemory(t.testdir(group(`${100 * MiB}`)))).bytes, 80 * MiB);
  t.equal((await availableMemory(t.testdir(group('9223372036854771712')))).bytes, 8_192_000 * 1024);
});

t.test('this machine has some', async (t) => {
  t.ok((await availableMemory()).bytes > 10 * MiB);
});
