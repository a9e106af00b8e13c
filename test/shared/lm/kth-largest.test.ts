import t from 'tap';
import { kthLargest } from '../../../shared/lm/kth-largest.js';
import { seededRandom } from '../../../shared/random.js';

t.test('it is the k-th of the sorted values, whose k largest are left in the heap', async (t) => {
  const random = seededRandom(5);
  for (let turn = 0; turn < 200; turn++) {
    const count = 1 + Math.floor(random() * 60);
    // few distinct values: ties
    const values = Float32Array.from({ length: count }, () => Math.floor(random() * 12) - 6);
    const k = 1 + Math.floor(random() * count);
    const heap = new Float32Array(k + 3).fill(99);
    const sorted = [...values].sort((a, b) => b - a);
    t.equal(kthLargest(values, k, heap), sorted[k - 1]);
    t.strictSame(
      [...heap.subarray(0, k)].sort((a, b) => b - a),
      sorted.slice(0, k),
    );
    t.strictSame([...heap.subarray(k)], [99, 99, 99]);
  }
});

t.test('what is no number is passed over', async (t) => {
  t.equal(kthLargest(Float32Array.of(Number.NaN, 1, Number.NaN, 3), 2, new Float32Array(2)), 1);
});
