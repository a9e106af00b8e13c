/**
 * Blocks that are in a document but not of it: notes of a translation service, badges, "star this repository",
 * invitations to a chat. They stand in many documents word for word and answer no question.
 */
import type { Block } from '../documents/document.js';

const phrases: readonly RegExp[] = [
  /Co-op Translator/u,
  /(?:AI|기계|자동) 번역(?: 서비스)?.{0,80}(?:오류|부정확)/su,
  /^(?:\**)?면책 ?조항\**:?$/u,
  /^Translated with /u,
  /^(?:이 (?:저장소|문서)에 )?(?:별|star)(?:을|를)? (?:눌러|달아)/iu,
];

/** `blocks` without boilerplate. */
export function withoutBoilerplate(blocks: readonly Block[]): Block[] {
  return blocks.filter(
    (block) => block.kind === 'table' || !phrases.some((phrase) => phrase.test(block.text)),
  );
}
