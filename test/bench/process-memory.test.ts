import t from 'tap';
import { parseProcessMemory, processMemory } from '../../bench/process-memory.js';

t.test('memory of a process is told apart by where it comes from', async (t) => {
  const text = [
    'Name:\tnode',
    'VmPeak:\t 9000000 kB',
    'VmHWM:\t  250000 kB',
    'VmRSS:\t  200000 kB',
    'RssAnon:\t  120000 kB',
    'RssFile:\t   80000 kB',
  ].join('\n');
  t.same(parseProcessMemory(text), { rssMb: 204.8, peakMb: 256, anonMb: 122.88, fileMb: 81.92 });
  t.ok(Number.isNaN(parseProcessMemory('Name:\tkthreadd\n').rssMb));
});

t.test('memory that is held shows', async (t) => {
  const before = processMemory();
  const held = Buffer.alloc(64e6, 1);
  const after = processMemory();
  t.ok(after.rssMb - before.rssMb > 50, `${before.rssMb} → ${after.rssMb} MB`);
  t.ok(after.peakMb >= after.rssMb - 1);
  t.equal(held.length, 64e6);
});
