/**
 * The fields of a request body under `/v1`: known, taken without effect, refused by name, or unknown.
 *
 * OpenAI's clients send `null` for what was not set; it counts as absent. A field that would change the meaning
 * of the reply is refused unless its value says that nothing is wanted of it, so that no client believes that it
 * got what it did not.
 */
import type { TSchema } from 'typebox';
import type { Validator } from 'typebox/compile';
import { refusal } from './open-ai-error.js';

export interface FieldRules {
  known: ReadonlySet<string>;
  /** Fields without effect here. */
  ignored: ReadonlySet<string>;
  /** Fields that cannot be honoured, and whether a value asks for nothing. */
  refused: ReadonlyMap<string, (value: unknown) => boolean>;
}

/** The known fields of `body` that are not null. Throws at the first that is not to be taken. */
export function fieldsOf(body: unknown, rules: FieldRules): Map<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw refusal(null, 'invalid_value', 'The body must be a JSON object.');
  const fields = new Map<string, unknown>();
  for (const [name, value] of Object.entries(body)) {
    if (value === null || rules.ignored.has(name)) continue;
    const asksForNothing = rules.refused.get(name);
    if (asksForNothing !== undefined) {
      if (asksForNothing(value)) continue;
      throw refusal(name, 'unsupported_parameter', `'${name}' is not supported here. Leave it out.`);
    }
    if (!rules.known.has(name)) {
      const shown = name.slice(0, 100);
      throw refusal(shown, 'unknown_parameter', `'${shown}' is not known here. Leave it out.`);
    }
    fields.set(name, value);
  }
  return fields;
}

/** Those of `fields` that `validator` has properties for, as its type. Throws at the first that does not fit. */
export function checkedFields<T extends TSchema & { properties: object }, V>(
  fields: ReadonlyMap<string, unknown>,
  schema: T,
  validator: Pick<Validator, 'Errors'> & { Check(value: unknown): value is V },
): V {
  const value: unknown = Object.fromEntries(
    [...fields].filter(([name]) => Object.hasOwn(schema.properties, name)),
  );
  if (validator.Check(value)) return value;
  const [first] = validator.Errors(value);
  const path = (first?.instancePath ?? '').split('/').slice(1);
  const { requiredProperties, additionalProperties, allowedValues } = (first?.params ?? {}) as Record<
    string,
    unknown
  >;
  if (Array.isArray(requiredProperties)) {
    const name = [...path, String(requiredProperties[0])].join('.');
    throw refusal(name, 'missing_required_parameter', `'${name}' is missing.`);
  }
  if (Array.isArray(additionalProperties)) path.push(String(additionalProperties[0]).slice(0, 100));
  const name = path.join('.');
  const expected = Array.isArray(allowedValues)
    ? `must be one of ${allowedValues.join(', ')}`
    : (first?.message ?? 'does not fit');
  throw refusal(name, 'invalid_value', `'${name}' ${expected}.`);
}
