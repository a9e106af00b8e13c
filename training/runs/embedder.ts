/**
 * The default embedder, from the documents and open statutes: what `models/weights/default/embedder` was made by, in
 * some minutes of one core.
 *
 *   mkdir -p data/pretrain                    put law_body.txt.gz there: statutes, documents between empty lines
 *   haetae train run training/runs/embedder.ts --to embed --out data/work/training/embedder
 *   cp -r data/work/training/embedder/work/embed/embedder models/weights/default/embedder
 *
 * `heldOut: 0.4` measures it on documents that it has learnt nothing of. Without further texts, leave out `texts`.
 */
import type { PipelineFile } from '../pipeline/pipeline-config.js';

export default {
  name: 'embedder',
  seed: 1,
  prepare: { cache: 'data/work/cache/prepare' },
  embed: { texts: ['data/pretrain/law_body.txt.gz'] },

  // Stages behind it, for who goes on: the student that comes with the program.
  student: { from: 'models/weights/default/student', prompts: 'ko-2' },
  sft: {},
} satisfies PipelineFile;
