/** Chunks of a few real documents, cut as `prepare` cuts them: statutes in Markdown, the controls, one guide. */
import { readdirSync, readFileSync } from 'node:fs';
import type { Chunk } from '../../../../shared/retrieval/chunk.js';
import { parseDocument } from '../../../../training/documents/parse-document.js';
import { cutControls, cutProse } from '../../../../training/split/cut-document.js';
import { cutStatute } from '../../../../training/statute/cut-statute.js';

const raw = new URL('../../../../data/raw/', import.meta.url);
const statutes = [
  '금융소비자 보호에 관한 법률',
  '금융회사의 지배구조에 관한 법률',
  '금융혁신지원 특별법',
  '여신전문금융업법 시행령',
  '예금자보호법',
  '온라인투자연계금융업 및 이용자 보호에 관한 법률',
  '은행법',
  '전기통신금융사기 피해 방지 및 피해금 환급에 관한 특별법',
  '한국은행법',
];

export async function realChunks(): Promise<Chunk[]> {
  const guides = readdirSync(new URL('guide-md/', raw)).filter((name) => name.startsWith('security-101__'));
  const files = [
    ...statutes.map((title) => ({ path: `law-md/${title}.md`, title, domain: 'law', cut: cutStatute })),
    { path: 'admrule/ISMS-P_controls.json', title: 'ISMS-P', domain: 'security', cut: cutControls },
    ...guides.map((name) => ({ path: `guide-md/${name}`, title: name, domain: 'security', cut: cutProse })),
  ];
  const chunks: Chunk[] = [];
  for (const { path, title, domain, cut } of files) {
    const bytes = new Uint8Array(readFileSync(new URL(encodeURI(path), raw)));
    const { document } = await parseDocument(bytes, path);
    const source = { path, title, domain, publisher: '', licence: 'public-domain', effective: '', url: '' };
    chunks.push(...cut(document, source));
  }
  return chunks;
}

/** A chunk of a statute of our own. */
export function articleChunk(
  section: string,
  heading: string,
  text: string,
  more: Partial<Chunk> = {},
): Chunk {
  return {
    chunkId: `시험법(2025-01-01)#${section}`,
    content: `${section}(${heading})\n${text}`,
    source: 'law/시험법.md',
    title: '시험법',
    section,
    domain: 'law',
    licence: 'public-domain',
    effective: '2025-01-01',
    qualityScore: 9,
    tokenCount: 100,
    kind: 'article',
    heading,
    publisher: '',
    url: '',
    ...more,
  };
}
