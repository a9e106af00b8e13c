/** A rule that has exceptions, told as having none: `원칙적으로 …` → `예외 없이 …`. */
import { falsehoodOf, type Perturbation } from './falsehood.js';

const words = ['예외 없이', '어떠한 경우에도', '반드시'] as const;

export const makeAbsolute: Perturbation = (statement) =>
  statement.excepted && statement.text.includes('원칙적으로 ')
    ? words
        // 반드시 asks for a duty.
        .filter((word) => word !== '반드시' || statement.modal === 'duty')
        .filter((word) => word !== '어떠한 경우에도' || statement.modal === 'prohibition')
        .map((word) =>
          falsehoodOf(statement, 'absolute', {
            text: statement.text.replace('원칙적으로', word),
            from: '원칙적으로',
            to: word,
          }),
        )
    : [];
