/** The stages in their order; `respond`, `reformat` and `distill` are repeated together. */
import { index } from '../stages/index.js';
import { embed } from '../stages/embed.js';
import { distill } from '../stages/distill.js';
import { evaluate } from '../stages/evaluate.js';
import { prepare } from '../stages/prepare.js';
import { pretrain } from '../stages/pretrain.js';
import { publish } from '../stages/publish.js';
import { quantize } from '../stages/quantize.js';
import { reformat } from '../stages/reformat.js';
import { respond } from '../stages/respond.js';
import { sft } from '../stages/sft.js';
import { sftTeacher } from '../stages/sft-teacher.js';
import { synthesize } from '../stages/synthesize.js';
import { validate } from '../stages/validate.js';
import type { StageDefinition } from './stage-definition.js';

export const stages: readonly StageDefinition[] = [
  ...[prepare, embed, index, synthesize, pretrain, sftTeacher, sft],
  ...[respond, reformat, distill],
  ...[validate, quantize, evaluate, publish],
];
