import t from 'tap';
import { seededRandom } from '../../../shared/random.js';
import { BLOCK_BYTES, blocksOf } from '../../../training/optimizer/blocks.js';
import { ParameterMemory } from '../../../training/optimizer/parameter-memory.js';

t.test(
  'blocks cover every tensor once, in order, and none mixes what decays with what does not',
  async (t) => {
    const random = seededRandom(4);
    for (let turn = 0; turn < 20; turn++) {
      const specs = Array.from({ length: 1 + turn }, (_, i) => ({
        name: `${i}`,
        shape: [1 + Math.floor(random() ** 6 * 1e6)],
        decay: random() < 0.5,
      }));
      const { places, regions } = ParameterMemory.allocate(specs, { accumulate: false });
      const blocks = blocksOf(places);
      let end = 0;
      for (const { offset, bytes, decay } of blocks) {
        t.equal(offset, end);
        t.ok(bytes > 0 && bytes <= BLOCK_BYTES && bytes % 64 === 0);
        end = offset + bytes;
        const covered = places.filter((place) => place.offset < end && place.offset + place.bytes > offset);
        t.ok(covered.length > 0 && covered.every(({ spec }) => spec.decay === decay));
      }
      t.equal(end, regions.parameters.bytes);
    }
  },
);

t.test('neighbours that are alike share a block', async (t) => {
  const specs = [true, true, false, true].map((decay, i) => ({ name: `${i}`, shape: [16], decay }));
  const { places } = ParameterMemory.allocate(specs, { accumulate: false });
  t.strictSame(blocksOf(places), [
    { offset: 0, bytes: 128, decay: true },
    { offset: 128, bytes: 64, decay: false },
    { offset: 192, bytes: 64, decay: true },
  ]);
});
