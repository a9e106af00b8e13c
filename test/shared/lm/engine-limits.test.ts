import t from 'tap';
import { defaultEngineLimits, engineLimits } from '../../../shared/lm/engine-limits.js';

t.test('what is not given is the default', async (t) => {
  t.strictSame(engineLimits(), defaultEngineLimits);
  t.strictSame(engineLimits({ maxSlots: 2 }), { ...defaultEngineLimits, maxSlots: 2 });
});

t.test('a limit that is no whole number in its range is named', async (t) => {
  for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.throws(() => engineLimits({ maxSlots: value }), { code: 'CONFIG_INVALID', data: { name: 'maxSlots' } });
  }
  t.equal(engineLimits({ prefixCacheBytes: 0 }).prefixCacheBytes, 0, 'none is a size too');
});
