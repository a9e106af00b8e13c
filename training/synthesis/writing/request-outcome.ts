/** `requests.journal.jsonl`: what came of each request to the teacher, so that none is made twice. */
import Type, { type Static } from 'typebox';
import { QaPair } from '../../formats/qa-pair.js';

export const RequestOutcome = Type.Object(
  {
    id: Type.String({ minLength: 1, description: '<chunk>/<ordinal>/<what was wanted>' }),
    drafts: Type.Integer({ minimum: 0, description: 'Written; 0: nothing can be asked' }),
    firstScore: Type.Union([Type.Number(), Type.Null()], { description: 'Of the first draft' }),
    best: Type.Union([
      Type.Null(),
      Type.Object(
        {
          draft: Type.Omit(QaPair, ['split', 'overallQualityScore', 'teacherModel', 'studentLoss'], {
            additionalProperties: false,
          }),
          score: Type.Number({ minimum: 0, maximum: 10 }),
          flaws: Type.Array(Type.Object({ rule: Type.String(), reason: Type.String() }), {
            description: 'The costliest first',
          }),
        },
        { additionalProperties: false },
      ),
    ]),
  },
  { additionalProperties: false },
);
export type RequestOutcome = Static<typeof RequestOutcome>;
