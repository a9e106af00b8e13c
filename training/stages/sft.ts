/**
 * Stage `sft`: a model that answers as the questions' own answers do. Where `sft-teacher` makes the teacher, it is the
 * student that `distill` begins with; else it is that teacher itself, unless another is given.
 *
 *   synthesize/qa.jsonl → prompts.jsonl → dialogues.{train,validation}.jsonl, prompts as they are served → run/ → model/
 */
import { tuningStage } from '../model-stages/tuning-stage.js';

export const sft = tuningStage({
  name: 'sft',
  about: 'a model learns the answers',
  section: (config) => config.sft,
  messagesOf: ({ messages }) => messages,
  promptsOf: ({ config, folderOf }) =>
    config.teacherSft && !config.teacherSft.data?.train ? folderOf('sft-teacher') : undefined,
});
