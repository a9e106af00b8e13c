/** Against the bytes of tensorboardX (test/reference/training-events), equal to the last: both write one format. */
import { readFile } from 'node:fs/promises';
import t from 'tap';
import {
  fileVersionRecord,
  scalarsRecord,
  sessionStartRecord,
} from '../../../training/run/tensorboard-events.js';

const reference = JSON.parse(
  await readFile(new URL('../../reference/training-events/tensorboard-events.json', import.meta.url), 'utf8'),
) as {
  wallTime: number;
  fileVersion: string;
  sessionStart: string;
  scalars: { step: number; values: Record<string, number>; record: string }[];
};
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

t.test('a file begins with the version record of tensorboardX', async (t) => {
  t.equal(hex(fileVersionRecord(reference.wallTime)), reference.fileVersion);
});

t.test('a resumed run says from which step on', async (t) => {
  t.equal(hex(sessionStartRecord(reference.wallTime, 101)), reference.sessionStart);
});

for (const { step, values, record } of reference.scalars) {
  t.test(`scalars of step ${step} are the bytes of tensorboardX`, async (t) => {
    t.equal(hex(scalarsRecord(reference.wallTime, step, values)), record);
  });
}
