/**
 * What a stage's `summary.json` must hold to be drawn. The file may be absent, of an earlier version, or damaged: then
 * the section says so in a line, with the first field that does not fit, and the rest of the report stands.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Type, { type Static, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { PipelineConfig } from '../pipeline/pipeline-config.js';
import { summaryName } from '../pipeline/stage-manifest.js';

export interface SectionPlace {
  /** Id of the stage. */
  id: string;
  /** Its folder. */
  folder: string;
  /** From the folder of the report to that of the stage, with forward slashes: for links. */
  link: string;
  config: PipelineConfig;
}

/** Markup of what a stage tells in `details`, or why it cannot be drawn. */
export type DrawSection = (
  details: unknown,
  place: SectionPlace,
) => Promise<{ markup: string } | { problem: string }>;

/** `schema` holds what is drawn; other fields may stand beside it. */
export function stageSection<Schema extends TSchema>(
  schema: Schema,
  draw: (details: Static<Schema>, place: SectionPlace) => string | Promise<string>,
): DrawSection {
  const validator = Compile(schema);
  return async (details, place) => {
    if (validator.Check(details)) return { markup: await draw(details as Static<Schema>, place) };
    const [first] = validator.Errors(details);
    const where = `${first?.instancePath || 'details'} ${first?.message ?? 'does not fit'}`;
    return { problem: `${summaryName} is not as this version writes it (${where})` };
  };
}

/** A figure that was measured; JSON has null for one that is no number. */
export const Figure = Type.Union([Type.Number(), Type.Null()]);
export type Figure = Static<typeof Figure>;

export function number(figure: Figure | undefined): number {
  return figure ?? Number.NaN;
}

const Summary = Type.Object({
  figures: Type.Record(Type.String(), Type.Union([Type.Number(), Type.String(), Type.Null()])),
  details: Type.Unknown(),
  rejected: Type.Optional(Type.String()),
});
export type ReadSummary = Static<typeof Summary>;
const summaryValidator = Compile(Summary);

/** The summary, or why there is none. */
export async function readStageSummary(folder: string): Promise<ReadSummary | { problem: string }> {
  let text: string;
  try {
    text = await readFile(join(folder, summaryName), 'utf8');
  } catch {
    return { problem: `there is no ${summaryName}` };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { problem: `${summaryName} is not JSON` };
  }
  if (summaryValidator.Check(value)) return value;
  const [first] = summaryValidator.Errors(value);
  return {
    problem: `${summaryName} does not fit (${first?.instancePath || 'the whole'} ${first?.message ?? ''})`,
  };
}
