/** A question in a JSON body. Its length is checked by `checkQuestion`, whose error says more than a schema's. */
import Type from 'typebox';

export const QuestionText = Type.String({
  description: 'The stem, then its choices on lines of their own if it is a multiple-choice question',
  examples: [
    '전자금융거래법상 전자금융업자가 아닌 자는?\n1 전자화폐 발행업자\n2 전자자금이체업자\n3 직불전자지급수단 발행업자\n4 신용정보집중기관',
  ],
});
