/** `POST /rerank` on the wire. */
import Type from 'typebox';

export const maxDocuments = 200;

export const RerankBody = Type.Object(
  {
    query: Type.String({ examples: ['전자금융거래 안전성 확보의무'] }),
    documents: Type.Array(Type.String(), {
      minItems: 1,
      maxItems: maxDocuments,
      description: 'Texts to score against the query, of at most 20,000 characters each',
      examples: [['금융회사는 선량한 관리자로서의 주의를 다하여야 한다.', '이 법은 공포한 날부터 시행한다.']],
    }),
    topN: Type.Optional(
      Type.Integer({ minimum: 1, maximum: maxDocuments, description: 'Results to return; default: all' }),
    ),
    returnDocuments: Type.Optional(
      Type.Boolean({ default: false, description: 'Whether each result repeats its document' }),
    ),
  },
  { additionalProperties: false },
);

export const RerankReply = Type.Object({
  results: Type.Array(
    Type.Object({
      index: Type.Integer({ minimum: 0, description: 'Place of the document in the request' }),
      score: Type.Number({ minimum: 0, maximum: 1, description: 'Higher is better' }),
      document: Type.Optional(Type.String()),
    }),
    { description: 'Best first; documents of equal score in their order' },
  ),
  scoredBy: Type.Enum(['student', 'cover'], {
    description: 'The language model of the bundle, or without one the share of the query that is covered',
  }),
  bundleId: Type.String(),
});
