/** The schemas of run files as editors want them: a field with a default may be left out. */
import { type Program, runFileSchemas } from './run-file-schema.js';

type Json = Readonly<Record<string, unknown>>;

/** The JSON schema (draft 2020-12) of one program's run files, as the text of a file. */
export function runJsonSchema(program: Program): string {
  const schema = relaxed(JSON.parse(JSON.stringify(runFileSchemas[program])) as Json);
  const whole = { $schema: 'https://json-schema.org/draft/2020-12/schema', ...(schema as Json) };
  return `${JSON.stringify(whole, null, 2)}\n`;
}

function relaxed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(relaxed);
  if (typeof value !== 'object' || value === null) return value;
  const result = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, relaxed(inner)]));
  const properties = result.properties as Readonly<Record<string, Json>> | undefined;
  if (!properties || !Array.isArray(result.required)) return result;
  const required = (result.required as string[]).filter((name) => !('default' in properties[name]!));
  const { required: _, ...rest } = result;
  return required.length > 0 ? { ...rest, required } : rest;
}
