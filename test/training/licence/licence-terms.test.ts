import t from 'tap';
import { licenceTerms } from '../../../training/licence/licence-terms.js';

const conditions = (licence: string) => licenceTerms(licence)?.conditions.join(', ');

t.test('a licence is put in words, in whatever spelling it comes', async (t) => {
  t.equal(conditions('public-domain (저작권법 제7조)'), '');
  t.equal(conditions('CC0-1.0'), '');
  t.equal(conditions('cc by 4.0'), 'attribution');
  t.equal(conditions('CC-BY-NC-ND-4.0'), 'attribution, non-commercial, no derivatives');
  t.equal(conditions('CC-BY-SA-4.0'), 'attribution, share-alike');
  t.equal(conditions('공공누리 제1유형'), 'attribution');
  t.equal(conditions('Apache License 2.0'), 'the notices stay, changes are stated');
  t.match(conditions('qwen-research'), /non-commercial/, 'not the licence of other models of that name');
});

t.test(
  'of several licences all conditions hold; one that is not known makes the whole unknown',
  async (t) => {
    t.equal(conditions('MIT AND CC-BY-SA-4.0'), 'the notice stays, attribution, share-alike');
    t.equal(licenceTerms('MIT AND Apache-2.0')?.outputTrains, true);
    t.equal(licenceTerms('MIT AND CC-BY-4.0')?.outputTrains, false);
    t.equal(licenceTerms('MIT AND house-rules'), undefined);
    t.equal(licenceTerms(''), undefined);
  },
);

t.test('licences that are agreed to before the files come are gated', async (t) => {
  t.equal(licenceTerms('LicenseRef-llama3.1')?.gated, true);
  t.equal(licenceTerms('gemma')?.gated, true);
  t.equal(licenceTerms('MIT')?.gated, false);
});
