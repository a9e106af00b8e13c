/** What the turns of `train` come to. Ratios are taken within a round, where both ran a moment apart. */
import type { MatmulPrecision } from '../training/autodiff/tape.js';
import { pairedRatio, type Spread, spreadOf } from './lm-statistics.js';
import { median } from './measure.js';
import type { Figure } from './report.js';
import type { Turn } from './train-engine.js';
import type { PeerTurn } from './train-peer.js';

/** One round at one precision. */
export interface TrainRound {
  ours: Turn;
  /** Null where there is no PyTorch. */
  peer: PeerTurn | null;
  /** The best of several products at this time, through our session. */
  peakGflops: number;
  /** The same in PyTorch. */
  peerPeakGflops: number | null;
}

export interface TrainWork {
  /** Of the model, e.g. `7M`. */
  name: string;
  precision: MatmulPrecision;
  tokens: number;
  /** Floating-point operations of a step: as computed, and with all of the attention square. */
  flops: { causal: number; full: number };
}

/** The project's targets, for 7M at the highest precision. */
const targets = {
  gemmShare: { atLeast: 0.8 },
  vsPytorch: { atLeast: 1.3 },
  optimizerShare: { atMost: 0.03 },
} as const;

/** @param peerNote why there is no PyTorch, or '' */
export function trainFigures(work: TrainWork, rounds: readonly TrainRound[], peerNote: string): Figure[] {
  const isHeadline = work.name === '7M' && work.precision === 'highest';
  const suffix = `${work.name}${work.precision === 'highest' ? '' : capital(work.precision)}`;
  const gflops = (steps: { stepMs: readonly number[] }, flops: number) => flops / median(steps.stepMs) / 1e6;
  const rate = (steps: { stepMs: readonly number[] }) => (1000 * work.tokens) / median(steps.stepMs);

  const share = spreadOf(rounds.map(({ ours, peakGflops }) => gflops(ours, work.flops.causal) / peakGflops));
  const versus = pairedRatio(
    rounds.map(({ peer }) => (peer === null ? undefined : median(peer.stepMs))),
    rounds.map(({ ours }) => median(ours.stepMs)),
  );
  const optimizer = spreadOf(
    rounds.map(({ ours }) => median(ours.optimizerMs.map((ms, step) => ms / ours.stepMs[step]!))),
  );
  const ofPeer = (value: (peer: PeerTurn) => number) => {
    const values = rounds.flatMap(({ peer }) => (peer === null ? [] : [value(peer)]));
    return values.length === 0 ? null : spreadOf(values);
  };
  // of the faster of the two libraries, so that a slow product of ours does not flatter a step of ours
  const best = spreadOf(
    rounds.map(
      ({ ours, peakGflops, peerPeakGflops }) =>
        gflops(ours, work.flops.causal) / Math.max(peakGflops, peerPeakGflops ?? 0),
    ),
  );
  const peerShare = spreadOf(
    rounds.flatMap(({ peer, peerPeakGflops }) =>
      peer === null || peerPeakGflops === null ? [] : [gflops(peer, work.flops.causal) / peerPeakGflops],
    ),
  );
  const peerPeaks = rounds.flatMap(({ peerPeakGflops }) => peerPeakGflops ?? []);
  const figure = (key: string, spread: Spread | null, budget?: Figure['budget'], note = ''): Figure => ({
    key: key + suffix,
    value: spread?.median ?? null,
    ...(budget && isHeadline && { budget }),
    note: spread === null ? peerNote : `${spread.min.toPrecision(3)} to ${spread.max.toPrecision(3)}${note}`,
  });
  const shareOf = 'of the best product of the same round';
  return [
    figure('gemmShare', share, targets.gemmShare, `; ${shareOf}`),
    figure('vsPytorch', versus, targets.vsPytorch, '; steps a second over theirs'),
    figure('gemmShareOfBest', best, undefined, '; of the best of ours and PyTorch'),
    figure(
      'pytorchGemmShare',
      peerPeaks.length === 0 ? null : peerShare,
      undefined,
      '; of the best product of theirs',
    ),
    figure('tokensPerSecond', spreadOf(rounds.map(({ ours }) => rate(ours)))),
    figure('pytorchTokensPerSecond', ofPeer(rate)),
    figure('stepMs', spreadOf(rounds.map(({ ours }) => median(ours.stepMs)))),
    figure('gflops', spreadOf(rounds.map(({ ours }) => gflops(ours, work.flops.causal)))),
    figure('gflopsFullAttention', spreadOf(rounds.map(({ ours }) => gflops(ours, work.flops.full)))),
    figure('gemmPeakGflops', spreadOf(rounds.map(({ peakGflops }) => peakGflops))),
    figure('pytorchGemmPeakGflops', peerPeaks.length === 0 ? null : spreadOf(peerPeaks)),
    {
      ...figure('optimizerShare', optimizer, targets.optimizerShare, '; clipping and update, of a step'),
      // the project's name for it has no model in it
      ...(isHeadline && { key: 'optimizerShare' }),
    },
  ];
}

/** The largest relative difference of losses over as many steps as both have. NaN counts as infinite. */
export function lossDifference(ours: readonly number[], theirs: readonly number[]): number {
  const differences = ours
    .slice(0, theirs.length)
    .map((loss, step) => Math.abs(loss - theirs[step]!) / Math.abs(theirs[step]!));
  return differences.reduce((worst, it) => (it <= worst ? worst : Number.isNaN(it) ? Infinity : it), 0);
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
