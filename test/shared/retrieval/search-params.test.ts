import t from 'tap';
import { checkSearchParams } from '../../../shared/retrieval/search-params.js';

t.test('reads names and whole numbers', (t) => {
  t.strictSame(checkSearchParams('nprobe=16,efSearch=64'), { nprobe: 16, efSearch: 64 });
  t.strictSame(checkSearchParams('quantizer_efSearch=65536'), { quantizer_efSearch: 65536 });
  t.strictSame(checkSearchParams(''), {});
  t.strictSame(checkSearchParams(undefined), {});
  t.end();
});

t.test('refuses everything else by name', (t) => {
  for (const [text, reason] of [
    ['nprobe=abc', /nprobe must be .* got "abc"/],
    ['nprobe=', /got ""/],
    ['nprobe', /got ""/],
    ['nprobe=0', /got "0"/],
    ['nprobe=-1', /got "-1"/],
    ['nprobe=1.5', /got "1.5"/],
    ['nprobe= 1', /got " 1"/],
    ['nprobe=65537', /got "65537"/],
    ['nprobe=1=2', /got "1=2"/],
    ['nprobe=1,nprobe=2', /twice/],
    ['nprobe=1,', /unknown search parameter ""/],
    ['k=1', /unknown search parameter "k=1"/],
    ['__proto__=1', /unknown/],
    ['constructor=1', /unknown/],
  ] as const)
    t.throws(() => checkSearchParams(text), { code: 'RETRIEVAL_PARAMETER', message: reason }, text);
  t.end();
});
