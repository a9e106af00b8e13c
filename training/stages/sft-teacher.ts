/**
 * Stage `sft-teacher`: a model of the student's size that learns the answers from prompts which also hold the text that
 * a question was made from. It becomes the teacher of `distill`, where no other is given: it knows what the student has
 * to find out, and their vocabularies are the same.
 *
 *   synthesize/qa.jsonl → prompts.jsonl → dialogues.{train,validation}.jsonl, the teacher's prompts → run/ → model/
 */
import { teacherMessagesOf } from '../formats/task-prompt.js';
import { tuningStage } from '../model-stages/tuning-stage.js';

export const sftTeacher = tuningStage({
  name: 'sft-teacher',
  about: 'a teacher learns the answers with their sources',
  section: (config) => config.teacherSft,
  messagesOf: (prompt) => teacherMessagesOf(prompt) ?? prompt.messages,
});
