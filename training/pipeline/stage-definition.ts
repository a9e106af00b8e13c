/**
 * A stage of the pipeline: a program that reads the folders of earlier stages and writes its own. It runs in a process
 * of its own (`stage-main.ts`), is skipped where nothing it depends on has changed, and goes on where it was stopped.
 */
import type { Progress } from '../../shared/progress.js';
import type { PipelineConfig } from './pipeline-config.js';

export const stageNames = [
  'prepare',
  'embed',
  'index',
  'synthesize',
  'pretrain',
  'sft-teacher',
  'sft',
  'respond',
  'reformat',
  'distill',
  'validate',
  'quantize',
  'evaluate',
  'publish',
] as const;
export type StageName = (typeof stageNames)[number];

/** What is repeated `distill.iterations` times. */
export const repeatedStages: readonly StageName[] = ['respond', 'reformat', 'distill'];

/** Where everything is; known before anything runs. */
export interface StagePlace {
  config: PipelineConfig;
  /** Of a repeated stage, from 1; of others 1. */
  iteration: number;
  /** The stage's own folder, which it writes to: `<output>/work/<id>`. */
  folder: string;
  /**
   * Folder of another stage. Of a repeated one: that of this iteration; to a stage after the loop, of the last one.
   */
  folderOf(stage: StageName, iteration?: number): string;
  /** Folder of the bundles that the API serves. */
  modelsDir: string;
  /**
   * The bundle that the new one has to beat: the active one when the run began; null where there is none. Where the
   * active one is what this pipeline has published from the very same inputs, the stages that compare are unchanged.
   */
  incumbentId: string | null;
  /** Folder for what is costly to make and the same for every run: parsed documents, vectors of texts. */
  cacheFolder: string;
}

export interface StageContext extends StagePlace {
  threads: number;
  /** Of the program, for the keys that a configuration names. */
  env: NodeJS.ProcessEnv;
  /** Asks it to stop: what is done is kept, and the stage rejects with the signal's reason (CANCELLED). */
  signal: AbortSignal;
  progress(label: string, total: number): Progress;
  log(line: string): void;
  now(): Date;
}

/** What came of a stage. Also in its `summary.json`. */
export interface StageSummary {
  /** A few figures, for a line of text and the run's record. */
  figures: Record<string, number | string>;
  /** Everything the report draws, as JSON; its form is the stage's own. */
  details: Record<string, unknown>;
  /** Why a gate says no: what follows is left out. */
  rejected?: string;
}

export interface StageEstimate {
  /** Facts for the plan, e.g. ['documents', '236, 13 MB']. */
  facts: readonly (readonly [name: string, value: string])[];
  /** Seconds it would take; null where nothing tells yet. */
  seconds: number | null;
}

export interface StageDefinition {
  name: StageName;
  /** What it does, in a few words. */
  about: string;
  /** Where it needs no run: e.g. pretrain without a section in the configuration. */
  isWanted(config: PipelineConfig): boolean;
  /** The part of the configuration that decides what it writes. */
  options(place: StagePlace): Record<string, unknown>;
  /**
   * Whether it compares with the incumbent. Then it is run again when another bundle was made active, but not because
   * `publish` did so; the incumbent's files need not stand among the inputs. `publish` writes `published.json`, with
   * `bundleId`, before it makes the bundle active, so that a run killed in between is not compared with itself.
   */
  readsIncumbent?: true;
  /**
   * Whether its summary may say `rejected`. Where a run leaves it out, nothing is published unless it has said yes to
   * the very thing.
   */
  isGate?: true;
  /** Files and folders that it reads, absolute or relative to the working folder; each is hashed. */
  inputs(place: StagePlace): Promise<readonly string[]> | readonly string[];
  /** Files and folders in its own folder that make up its result; each is hashed. */
  outputs: readonly string[];
  /** Folders of modules, relative to `training/stages`, and libraries that decide what it writes. */
  code: { folders: readonly string[]; libraries: readonly string[] };
  /** Must be quick; earlier stages may not have run yet. */
  estimate(place: StagePlace): Promise<StageEstimate>;
  run(context: StageContext): Promise<StageSummary>;
}
