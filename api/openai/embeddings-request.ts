/** `POST /v1/embeddings`: what may be asked. */
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { faultOf } from '../text-check.js';
import { refusal } from './open-ai-error.js';
import { checkedFields, type FieldRules, fieldsOf } from './request-fields.js';

const maxInputs = 2_048;

const Scalars = Type.Object(
  {
    model: Type.String({ description: 'The id of the active bundle, or `haetae`', examples: ['haetae'] }),
    encoding_format: Type.Optional(
      Type.Enum(['float', 'base64'], {
        default: 'float',
        description: '`base64`: the bytes of the 32-bit floats, little-endian',
      }),
    ),
    dimensions: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Only the number that the embedder has' }),
    ),
  },
  { additionalProperties: false },
);
const scalars = Compile(Scalars);

/** For the documentation; requests are read by `readEmbeddingsRequest`. */
export const EmbeddingsRequest = Type.Object({
  ...Scalars.properties,
  input: Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1, maxItems: maxInputs })], {
    description: 'A text, or several; none empty. Token ids are not taken.',
    examples: [['전자금융거래의 안전성 확보의무', '접근매체의 선정과 사용']],
  }),
});

const rules: FieldRules = {
  known: new Set(Object.keys(EmbeddingsRequest.properties)),
  ignored: new Set(['user']),
  refused: new Map(),
};

export type ReadEmbeddings = Static<typeof Scalars> & { texts: string[] };

/** Throws `REQUEST_INVALID` that names the first field that does not fit. */
export function readEmbeddingsRequest(body: unknown): ReadEmbeddings {
  const fields = fieldsOf(body, rules);
  const given = checkedFields<typeof Scalars, Static<typeof Scalars>>(fields, Scalars, scalars);
  return { ...given, texts: readInput(fields.get('input')) };
}

function readInput(input: unknown): string[] {
  if (input === undefined) throw refusal('input', 'missing_required_parameter', "'input' is missing.");
  if (typeof input === 'string') return [readText(input, 'input')];
  if (!Array.isArray(input) || input.length === 0 || input.length > maxInputs)
    throw refusal('input', 'invalid_value', `'input' must be a text or a list of 1 to ${maxInputs} texts.`);
  return input.map((text, index) => readText(text, `input[${index}]`));
}

function readText(text: unknown, name: string): string {
  if (typeof text === 'number' || Array.isArray(text)) {
    throw refusal(
      'input',
      'invalid_value',
      "'input' must be text: token ids are not taken here. Send the texts.",
    );
  }
  if (typeof text !== 'string') throw refusal(name, 'invalid_value', `'${name}' must be a text.`);
  const fault = text === '' ? 'is empty' : faultOf(text);
  if (fault !== undefined) throw refusal(name, 'invalid_value', `'${name}' ${fault}.`);
  return text;
}
