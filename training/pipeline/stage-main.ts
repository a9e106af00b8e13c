/** The process of a stage: takes one order, works, reports, ends. See `stage-protocol.ts`. */
import { runStageProcess } from './run-stage-process.js';
import { stages } from './stages.js';

runStageProcess(stages);
