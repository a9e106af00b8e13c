import t from 'tap';
import { withoutBoilerplate } from '../../../training/split/boilerplate.js';

t.test('notes of a translation service go, text about translation and tables stay', async (t) => {
  const kept = [
    { kind: 'paragraph', text: '컴파일러는 소스를 번역한다.' },
    { kind: 'table', rows: [['면책 조항']] },
  ] as const;
  const dropped = [
    {
      kind: 'paragraph',
      text: '면책 조항:\n이 문서는 AI 번역 서비스를 사용하여 번역되었습니다. 오류가 있을 수 있습니다.',
    },
    { kind: 'paragraph', text: '면책 조항:' },
  ] as const;
  t.same(withoutBoilerplate([...kept, ...dropped].map((block) => structuredClone(block) as never)), kept);
});
