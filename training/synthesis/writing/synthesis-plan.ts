/** What is asked about, in which order, and for which split: decided by seed and chunks before anything is asked. */
import { HaetaeError } from '../../../shared/errors.js';
import type { Chunk } from '../../../shared/retrieval/chunk.js';
import type { Split } from '../../formats/qa-pair.js';
import type { PipelineConfig } from '../../pipeline/pipeline-config.js';
import { domainVocabulary } from '../quality/domain-vocabulary.js';
import type { QuestionCorpus } from '../quality/question-facts.js';
import { documentIdOf } from '../split/document-id.js';
import { splitDocuments } from '../split/split-documents.js';
import { DomainQueues } from './domain-queues.js';
import { interleaved, questionDeck, questionsOfSplits, type SplitWanted } from './question-deck.js';

export interface SynthesisPlan {
  wanted: SplitWanted[];
  queues: Record<Split, DomainQueues>;
  /** That are asked about. */
  documents: Record<Split, number>;
  corpus: QuestionCorpus;
  /** Other chunks of the same text, the nearest first. */
  neighboursOf(chunk: Chunk): readonly Chunk[];
}

const neighbourCount = 8;

/** @throws HaetaeError TRAINING_DATA_INVALID where no chunk is of a kind that is asked about */
export function planSynthesis(
  chunks: readonly Chunk[],
  { seed, synthesize }: Pick<PipelineConfig, 'seed' | 'synthesize'>,
): SynthesisPlan {
  const { questions, kinds, perChunk, openShare, negatedShare, fiveChoiceShare } = synthesize;
  const asked = chunks.filter(({ kind }) => kinds.includes(kind));
  if (asked.length === 0) {
    throw new HaetaeError(
      'TRAINING_DATA_INVALID',
      `None of the ${chunks.length} chunks is of a kind in synthesize.kinds (${kinds.join(', ')}). Give documents of these kinds, or name others.`,
    );
  }
  const shares = { calibration: synthesize.calibrationShare, validation: synthesize.validationShare };
  const splitOf = splitDocuments(asked.map(documentIdOf), shares, seed);
  const counts = questionsOfSplits(questions, shares);
  const bySplit = <T>(make: (split: Split, ownSeed: number) => T): Record<Split, T> => ({
    train: make('train', seed),
    calibration: make('calibration', seed + 1),
    validation: make('validation', seed + 2),
  });
  const decks = bySplit((split, ownSeed) =>
    questionDeck(
      counts[split],
      { open: openShare, negated: negatedShare, fiveChoice: fiveChoiceShare },
      ownSeed,
    ),
  );
  const queues = bySplit(
    (split, ownSeed) =>
      new DomainQueues(
        asked.filter((chunk) => splitOf.get(documentIdOf(chunk)) === split),
        perChunk,
        synthesize.domainShare,
        ownSeed,
      ),
  );
  const documents: Record<Split, number> = { train: 0, calibration: 0, validation: 0 };
  for (const split of splitOf.values()) documents[split] += 1;
  const byId = new Map(chunks.map((chunk) => [chunk.chunkId, chunk]));
  return {
    wanted: interleaved(decks),
    queues,
    documents,
    corpus: { chunkOf: (chunkId) => byId.get(chunkId), vocabularyOf: domainVocabulary(chunks) },
    neighboursOf: neighbours(asked),
  };
}

function neighbours(chunks: readonly Chunk[]): SynthesisPlan['neighboursOf'] {
  const ofSource = new Map<string, Chunk[]>();
  for (const chunk of chunks) {
    const own = ofSource.get(chunk.source);
    if (own) own.push(chunk);
    else ofSource.set(chunk.source, [chunk]);
  }
  return (chunk) => {
    const own = ofSource.get(chunk.source) ?? [];
    const at = own.indexOf(chunk);
    return own
      .map((other, i) => ({ other, distance: Math.abs(i - at) }))
      .filter(({ distance }) => distance > 0)
      .sort((a, b) => a.distance - b.distance)
      .slice(0, neighbourCount)
      .map(({ other }) => other);
  };
}
