/**
 * Messages between a pipeline and the process of a stage (IPC of `child_process.fork`).
 *
 *     pipeline                stage
 *     run {…}           ──▶
 *                       ◀──   progress {label, done, total}, log {line}: any number
 *                       ◀──   done {summary}, failed {error} or interrupted, then exit
 *     stop              ──▶   what is done is kept; so does a lost pipeline
 */
import type { ErrorCode } from '../../shared/errors.js';
import type { PipelineConfig } from './pipeline-config.js';
import type { StageName, StageSummary } from './stage-definition.js';

export interface StageOrder {
  out: string;
  config: PipelineConfig;
  stage: StageName;
  id: string;
  iteration: number;
  incumbentId: string | null;
  threads: number;
}

export type ToStage = { type: 'run'; order: StageOrder } | { type: 'stop' };

export type FromStage =
  | { type: 'progress'; label: string; done: number; total: number }
  | { type: 'log'; line: string }
  | { type: 'done'; summary: StageSummary }
  | { type: 'failed'; error: { code: ErrorCode; message: string; stack: string | undefined } }
  | { type: 'interrupted' };
