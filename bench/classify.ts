/** The classifier, one call at a time: the real questions, and one in ten as long as a question may sensibly get. */
import { classify, maxQuestionLength } from '../shared/question/classify.js';
import { latencyOf, peakRssMb, timeSync } from './measure.js';
import type { BenchOptions, PartReport } from './report.js';
import { longQuestions, readQuestions } from './workload.js';

const longLength = 2_000;

export async function benchClassify({ quick }: BenchOptions): Promise<PartReport> {
  const questions = await readQuestions('test.csv');
  const long = longQuestions(questions, Math.ceil(questions.length / 9), longLength, 1);
  const longest = longQuestions(questions, 20, maxQuestionLength, 2);

  const open = questions.filter((question) => classify(question).questionType === 'open').length;
  const lost = questions.find((question) => {
    const { stem, choices } = classify(question);
    const whole = question.normalize('NFC').replace(/\s/gu, '');
    return ![stem, ...choices.map(({ text }) => text)].every((part) =>
      whole.includes(part.replace(/\s/gu, '')),
    );
  });
  if (lost !== undefined) throw new Error(`classify is disqualified: it changed the words of: ${lost}`);

  const passes = quick ? 4 : 40;
  const mixed = [...questions, ...long];
  const warmUp = Array.from({ length: passes / 4 }, () => mixed).flat();
  timeSync(warmUp, classify);
  const calls = Array.from({ length: passes }, () => mixed).flat();
  const all = timeSync(calls, classify);
  const atLimit = timeSync(Array.from({ length: passes }, () => longest).flat(), classify);
  // a clock that costs more than it measures would be seen here
  const clock = latencyOf(
    Float64Array.from({ length: 10_000 }, () => -performance.now() + performance.now()),
  );
  return {
    figures: [
      { key: 'classifyP50Ms', value: all.p50Ms },
      { key: 'classifyP99Ms', value: all.p99Ms, budget: { atMost: 0.2 } },
      { key: 'classifyMaxMs', value: all.maxMs },
      {
        key: 'classifyLongestP99Ms',
        value: atLimit.p99Ms,
        note: `questions of ${maxQuestionLength} characters`,
      },
      { key: 'classifyPeakMb', value: peakRssMb() },
    ],
    notes: [
      `${all.calls} calls: ${questions.length} real questions (${open} open), ${long.length} of ${longLength} characters; the clock itself costs ${clock.p50Ms.toFixed(5)} ms`,
    ],
  };
}
