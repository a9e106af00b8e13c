/**
 * Whether what is new may take the place of what is served: it must answer more of the same questions right, by more
 * than a gain that is asked for. The p-value is told and decides nothing: a gate that waits for significance lets no
 * small step pass, and one that is asked often lets one in twenty pass that is none.
 */
import { rateOf, rateText } from '../../shared/evaluation/wilson-interval.js';
import type { Comparison, GateDetails } from '../stages/details.js';
import { mcnemarExact } from './mcnemar.js';

/** @param pairs one for each question, whether it was answered right */
export function compareAnswers(pairs: readonly { candidate: boolean; incumbent: boolean }[]): Comparison {
  const count = (holds: (pair: (typeof pairs)[number]) => boolean): number => pairs.filter(holds).length;
  const candidate = rateOf(
    count((pair) => pair.candidate),
    pairs.length,
  );
  const incumbent = rateOf(
    count((pair) => pair.incumbent),
    pairs.length,
  );
  const onlyCandidate = count((pair) => pair.candidate && !pair.incumbent);
  const onlyIncumbent = count((pair) => pair.incumbent && !pair.candidate);
  return {
    ...{ candidate, incumbent, onlyCandidate, onlyIncumbent },
    gain: candidate.rate - incumbent.rate,
    pValue: mcnemarExact(onlyCandidate, onlyIncumbent),
  };
}

/**
 * @param measured the questions that the candidate answered; `comparison` is null where nothing is served that could be
 * compared with: then it passes, if it was measured at all
 * @param names for the sentence, e.g. `The student` and `student that is served`
 */
export function accuracyGate(
  { questions, comparison }: { questions: number; comparison: Comparison | null },
  minGain: number,
  names: { candidate: string; incumbent: string },
): GateDetails {
  const { candidate, incumbent } = names;
  if (questions === 0) {
    const sentence = `${candidate} was measured on no question at all: synthesize has kept none for validation. Ask for more questions or documents, or a larger validationShare.`;
    return { passed: false, sentence, comparison, minGain };
  }
  if (comparison === null) {
    const sentence = `${candidate} passes: there is no ${incumbent} to be compared with.`;
    return { passed: true, sentence, comparison, minGain };
  }
  const { onlyCandidate, onlyIncumbent, pValue } = comparison;
  // In questions, since shares of equal counts may differ in their last bit.
  const gained = onlyCandidate - onlyIncumbent;
  const passed = gained > minGain * questions + 1e-9;
  const figures =
    `${rateText(comparison.candidate)} against ${rateText(comparison.incumbent)} of ${questions} questions, ` +
    `a gain of ${signed(comparison.gain)}, McNemar p ${pValue.toPrecision(2)}`;
  const wanted = minGain === 0 ? '' : `; more than ${signed(minGain)} is asked for`;
  const verb = passed ? 'beats' : 'does not beat';
  return {
    passed,
    sentence: `${candidate} ${verb} the ${incumbent}: ${figures}${wanted}.`,
    comparison,
    minGain,
  };
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;
}
