import t from 'tap';
import { attributions, noticeOf } from '../../../training/licence/attributions.js';

const chunk = (source: string, publisher: string, licence: string, url: string) => ({
  source,
  publisher,
  licence,
  url,
});
const list = attributions([
  chunk('b.md', 'OWASP', 'CC-BY-SA-4.0', 'https://example.org/a'),
  chunk('b.md', 'OWASP', 'CC-BY-SA-4.0', 'https://example.org/a'),
  chunk('c.md', 'OWASP', 'CC-BY-SA-4.0', ''),
  ...[1, 2, 3, 4].map((n) =>
    chunk(`l${n}`, '국가법령정보센터', 'public-domain', `https://law.example/법령/${n}`),
  ),
  chunk('d.md', 'M', 'CC0-1.0', 'https://m.example'),
]);

t.test('documents are counted once per publisher and licence, addresses shortened', async (t) => {
  t.same(
    list.map(({ publisher, licence, documents, attributionRequired }) => [
      publisher,
      licence,
      documents,
      attributionRequired,
    ]),
    [
      ['M', 'CC0-1.0', 1, false],
      ['OWASP', 'CC-BY-SA-4.0', 2, true],
      ['국가법령정보센터', 'public-domain', 4, false],
    ],
  );
  t.same(list[2]?.urls, ['https://law.example/법령']);
});

t.test('the notice names those whose licence asks for it, and only those', async (t) => {
  t.equal(noticeOf(list), 'OWASP: 2 documents under CC-BY-SA-4.0\n  https://example.org/a');
});
