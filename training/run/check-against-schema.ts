/**
 * Holds a parsed file against a schema, for people: every problem names the field, what came and what is allowed, and
 * a mistyped field is answered with the one it was probably meant to be. Defaults are filled in on the way.
 *
 * It understands the part of JSON schema that run files use: objects with known fields, lists, enumerations, numbers,
 * texts, `null` as an alternative, and alternatives that a constant field tells apart.
 */
import { Check } from 'typebox/value';
import { nearestName } from './nearest-name.js';

/** As far as it is read here. */
export interface FieldSchema {
  type?: string;
  properties?: Readonly<Record<string, FieldSchema>>;
  required?: readonly string[];
  items?: FieldSchema;
  anyOf?: readonly FieldSchema[];
  enum?: readonly unknown[];
  const?: unknown;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minItems?: number;
  minLength?: number;
  pattern?: string;
  description?: string;
}

export interface Problem {
  /** E.g. `optimizer.learningRate`, `data.train.0`; '' for the whole. */
  path: string;
  /** What is wrong and what is allowed, without the path. */
  message: string;
}

/** The value with every default in place, and what is wrong with it. */
export function checkAgainstSchema(
  schema: FieldSchema,
  value: unknown,
): { value: unknown; problems: Problem[] } {
  const problems: Problem[] = [];
  return { value: checked(schema, value, '', problems), problems };
}

function checked(schema: FieldSchema, value: unknown, path: string, problems: Problem[]): unknown {
  const chosen = alternative(schema, value);
  if (chosen?.properties) return checkedObject(chosen, value, path, problems);
  if (chosen?.type === 'array' && Array.isArray(value)) {
    if (value.length < (chosen.minItems ?? 0)) {
      problems.push({ path, message: `is an empty list, allowed is ${allowed(chosen)}` });
    }
    return value.map((item, i) => checked(chosen.items!, item, `${path}.${i}`, problems));
  }
  if (!chosen || !Check(chosen, value)) {
    problems.push({ path, message: `is ${shown(value)}, allowed is ${allowed(schema)}` });
  }
  return value;
}

function checkedObject(schema: FieldSchema, value: unknown, path: string, problems: Problem[]): unknown {
  if (!isObject(value)) {
    problems.push({ path, message: `is ${shown(value)}, allowed is ${allowed(schema)}` });
    return value;
  }
  const { properties = {}, required = [] } = schema;
  const at = (name: string) => (path === '' ? name : `${path}.${name}`);
  for (const name of Object.keys(value).filter((it) => !Object.hasOwn(properties, it))) {
    const names = Object.keys(properties);
    const near = nearestName(name, names);
    const hint = near ? `did you mean ${near}?` : `known are ${names.join(', ')}`;
    problems.push({ path: at(name), message: `is no field that is known here: ${hint}` });
  }
  const result: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(properties)) {
    const given = Object.hasOwn(value, name) && value[name] !== undefined;
    if (given || field.default !== undefined) {
      const start = given ? value[name] : structuredClone(field.default);
      result[name] = checked(field, start, at(name), problems);
    } else if (required.includes(name)) {
      const about = field.description ? ` (${field.description})` : '';
      problems.push({ path: at(name), message: `is missing: give ${allowed(field)}${about}` });
    }
  }
  return result;
}

/** Of several alternatives, the one the value is meant to be; undefined where it can be none. */
function alternative(schema: FieldSchema, value: unknown): FieldSchema | undefined {
  if (!schema.anyOf) return schema;
  const objects = schema.anyOf.filter((it) => it.properties);
  if (!isObject(value) || objects.length === 0) return schema.anyOf.find((it) => Check(it, value));
  if (objects.length === 1) return objects[0];
  return objects.find((it) =>
    Object.entries(it.properties!).some(
      ([name, field]) => field.const !== undefined && field.const === value[name],
    ),
  );
}

/** What a field may hold, as words that follow "allowed is". */
export function allowed(schema: FieldSchema): string {
  if (schema.anyOf) {
    const constants = schema.anyOf.map((it) => discriminator(it));
    if (constants.every((it) => it !== undefined)) {
      return `a section with ${constants[0]![0]}: ${constants.map((it) => it![1]).join(', ')}`;
    }
    return schema.anyOf.map(allowed).join(' or ');
  }
  if (schema.enum) return `one of ${schema.enum.join(', ')}`;
  if (schema.const !== undefined) return String(schema.const);
  if (schema.properties) return `a section with ${Object.keys(schema.properties).join(', ')}`;
  switch (schema.type) {
    case 'array':
      return `a list${schema.minItems ? ' that is not empty' : ''}, each item ${allowed(schema.items ?? {})}`;
    case 'integer':
      return `a whole number${range(schema)}`;
    case 'number':
      return `a number${range(schema)}`;
    case 'boolean':
      return 'true or false';
    case 'null':
      return 'null';
    default:
      if (schema.pattern !== undefined) return `a text like ${schema.pattern}`;
      return schema.minLength ? 'a text that is not empty' : 'a text';
  }
}

function discriminator({ properties = {} }: FieldSchema): [string, string] | undefined {
  const found = Object.entries(properties).find(([, field]) => field.const !== undefined);
  return found && [found[0], String(found[1].const)];
}

function range({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: FieldSchema): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  const bounds = [
    minimum === undefined ? '' : `≥ ${minimum}`,
    exclusiveMinimum === undefined ? '' : `> ${exclusiveMinimum}`,
    maximum === undefined ? '' : `≤ ${maximum}`,
    exclusiveMaximum === undefined ? '' : `< ${exclusiveMaximum}`,
  ].filter((it) => it !== '');
  return bounds.length === 0 ? '' : ` ${bounds.join(' and ')}`;
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    text = 'a list or section that holds itself'; // YAML can say that
  }
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
