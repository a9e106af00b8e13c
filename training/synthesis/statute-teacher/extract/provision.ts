/**
 * An article as it divides itself: paragraphs (①), items (1.), subitems (가.). A statute's article may be cut into
 * several chunks; every line remembers the chunk it stands in.
 *
 * Amendment notes are taken off here, references stay: see `self-contained.ts`.
 */
import type { Chunk } from '../../../../shared/retrieval/chunk.js';
import { splitSentences } from '../../../../shared/text/sentences.js';

export interface Item {
  text: string;
  chunkId: string;
  /** It has subitems, or is more than one sentence: its first line does not say all. */
  divided: boolean;
}

export interface Sentence {
  text: string;
  chunkId: string;
}

export interface Provision {
  /** 0 where the article has no numbered paragraphs. */
  paragraph: number;
  sentences: Sentence[];
  items: Item[];
}

const circled = '①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳㉑㉒㉓㉔㉕㉖㉗㉘㉙㉚㉛㉜㉝㉞㉟';
const item = /^\d{1,3}(?:의\d+)?\.\s*(?=\D)/u;
const subitem = /^(?:[가-하](?:의\d+)?\.|\(?\d{1,3}\)|\(?[가-하]\))\s/u;
/** `<개정 2020. 2. 4.>`, `[본조신설 2014. 1. 28.]`, `삭제<2012. 5. 7.>`. */
const note =
  /[<〈＜][^<>〈〉＜＞]*(?:\d{4}\s*\.|개정|신설)[^<>〈〉＜＞]*[>〉＞]|\[[^[\]]*\d{4}\s*\.[^[\]]*\](?:\s*제\d+조\S*)?/gu;

export function withoutNotes(text: string): string {
  return text.replace(note, '').replace(/\s+/gu, ' ').trim();
}

/** @param chunks the parts of one article in order; each begins with its heading line. */
export function provisionsOf(chunks: readonly Chunk[]): Provision[] {
  const provisions: Provision[] = [];
  let provision: Provision | undefined;
  const open = (paragraph: number): Provision => {
    const opened: Provision = { paragraph, sentences: [], items: [] };
    provisions.push(opened);
    provision = opened;
    return opened;
  };
  for (const { chunkId, content } of chunks) {
    for (const printed of content.split('\n').slice(1)) {
      const line = withoutNotes(printed);
      if (line === '') continue;
      const number = circled.indexOf(line[0] as string) + 1;
      const current: Provision = number > 0 ? open(number) : (provision ?? open(0));
      const last = current.items.at(-1);
      if (number === 0 && item.test(line)) {
        const text = line.replace(item, '');
        const sentences = splitSentences(text).length;
        current.items.push({ text, chunkId, divided: sentences > 1 });
      } else if (number === 0 && last && subitem.test(line)) last.divided = true;
      else if (number === 0 && last) {
        last.text += ` ${line}`;
        last.divided = true;
      } else
        for (const sentence of splitSentences(number > 0 ? line.slice(1) : line))
          current.sentences.push({ text: sentence.trim(), chunkId });
    }
  }
  return provisions;
}
