import t from 'tap';
import { accuracyGate, compareAnswers } from '../../../training/gates/accuracy-gate.js';

/** Questions that both, only one, or none answers right. */
function pairs(counts: { both?: number; candidate?: number; incumbent?: number; none?: number }) {
  const rows = (n = 0, candidate: boolean, incumbent: boolean) =>
    Array.from({ length: n }, () => ({ candidate, incumbent }));
  return [
    ...rows(counts.both, true, true),
    ...rows(counts.candidate, true, false),
    ...rows(counts.incumbent, false, true),
    ...rows(counts.none, false, false),
  ];
}
const names = { candidate: 'The student', incumbent: 'student that is served' };
const gate = (counts: Parameters<typeof pairs>[0], minGain = 0) => {
  const compared = pairs(counts);
  return accuracyGate({ questions: compared.length, comparison: compareAnswers(compared) }, minGain, names);
};

t.test('the comparison counts what tells the two apart', async (t) => {
  t.match(compareAnswers(pairs({ both: 5, candidate: 9, incumbent: 2, none: 4 })), {
    candidate: { correct: 14, questions: 20, rate: 0.7 },
    incumbent: { correct: 7, questions: 20, rate: 0.35 },
    ...{ onlyCandidate: 9, onlyIncumbent: 2, pValue: 0.0654296875 },
  });
});

t.test('more right answers pass, as many do not', async (t) => {
  t.match(gate({ both: 5, candidate: 1, none: 4 }), {
    passed: true,
    sentence:
      'The student beats the student that is served: 0.600 (0.31 to 0.83) against 0.500 (0.24 to 0.76) of 10 questions, a gain of +0.100, McNemar p 1.0.',
  });
  t.match(gate({ both: 5, candidate: 2, incumbent: 2 }), { passed: false, sentence: /does not beat/ });
  t.match(gate({ both: 5, candidate: 1, incumbent: 2 }), { passed: false, sentence: /a gain of −0\.125/ });
});

t.test('the gain has to be more than what is asked for, to the question', async (t) => {
  t.equal(gate({ both: 80, candidate: 10, none: 10 }, 0.1).passed, false);
  t.equal(gate({ both: 80, candidate: 11, none: 9 }, 0.1).passed, true);
  t.match(gate({ both: 80, candidate: 10, none: 10 }, 0.1).sentence, /; more than \+0\.100 is asked for\.$/);
  t.equal(gate({ both: 95, incumbent: 4, none: 1 }, -0.05).passed, true, 'a loss may be allowed');
});

t.test('without an incumbent it passes and says so, without questions it does not', async (t) => {
  t.match(accuracyGate({ questions: 3, comparison: null }, 0, names), {
    ...{ passed: true, comparison: null },
    sentence: 'The student passes: there is no student that is served to be compared with.',
  });
  t.match(gate({}), { passed: false, sentence: /on no question at all/ });
  const unmeasured = accuracyGate({ questions: 0, comparison: null }, -1, names);
  t.match(unmeasured, { passed: false, sentence: /on no question at all.*validationShare/ });
});
