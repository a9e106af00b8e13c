/** `README.md` of an exported dataset: what it holds, where it comes from, under which licences, and how it is used. */
import { stringify } from 'yaml';
import type { LicenceRow } from '../licence/licence-table.js';
import type { LaunchParameters } from './launch-parameters.js';

export type ExportTarget = 'trl' | 'distillm2';

export interface DatasetFacts {
  target: ExportTarget;
  /** Of the pipeline. */
  name: string;
  iteration: number;
  pairs: { train: number; test: number };
  documents: { train: number; test: number };
  student: string;
  teacher: string;
  /** Who responded. */
  responder: string;
  licences: readonly LicenceRow[];
  parameters: LaunchParameters;
  /** Pairs whose teacher read a prompt of its own, which is not in the dataset. */
  withoutTeacherPrompt: number;
  /** The student has no chat template. */
  isPlain: boolean;
  /** Of the program that wrote it. */
  version: string;
}

export function datasetCard(facts: DatasetFacts): string {
  const { name, iteration, pairs, documents, student, teacher, responder, version } = facts;
  return `---
${frontMatter(facts)}---

# ${name}: pairs of responses, iteration ${iteration}

Responses of a teacher (\`chosen\`) and of the student (\`rejected\`) to the same prompts: Korean questions on financial
security, with the passages that a search found for them. The prompts are, word for word, what the API of haetae asks
the student when it serves. Written by haetae ${version}.

| | pairs | source documents |
|---|---|---|
| train | ${pairs.train} | ${documents.train} |
| test | ${pairs.test} | ${documents.test} |

No document is on both sides, and none of the questions that the student is measured on is here.
${leftOutOf(facts)}
| | |
|---|---|
| student | ${cell(student)} |
| responses of the teacher | ${cell(responder)} |
| probabilities of the teacher | ${cell(teacher)} |

## Fields

${fieldsOf(facts)}

\`prompt_id\` names the question, what is asked of it and, where statements are judged one by one, which; \`source\` is the
document that the question was made from.

## Licences

| what | licence | access | restrictions |
|---|---|---|---|
${facts.licences.map(({ subject, licence, access, restrictions }) => `| ${[subject, licence, access, restrictions].map(cell).join(' | ')} |`).join('\n')}

The dataset may be passed on as the strictest of these allows.

## Training

${trainingOf(facts)}

## What comes back

To serve the result here${facts.parameters.lora ? ', with the adapters put into the student' : ''}:

\`\`\`
${facts.parameters.lora ? 'haetae merge --base STUDENT --adapter OUTPUT --out MODEL' : '# MODEL is OUTPUT'}
haetae models import MODEL
\`\`\`
${facts.isPlain ? '\nThe student is asked without a chat template: remove `chat_template` from the tokenizer that comes back (`chat_template.jinja`, or the field in `tokenizer_config.json`).\n' : ''}`;
}

function leftOutOf({ withoutTeacherPrompt: count }: DatasetFacts): string {
  if (count === 0) return '';
  return `
In haetae the teacher reads, for ${count} of the pairs, a prompt that holds more than the student's. It is left out: the
trainers here give both the same prompt, so that a teacher that needs it should not be used with them.
`;
}

function frontMatter({ target, isPlain, pairs }: DatasetFacts): string {
  const files = (folder: string) => [
    { split: 'train', path: `${folder}train.json` },
    { split: 'test', path: `${folder}test.json` },
  ];
  return stringify({
    language: ['ko'],
    license: 'other',
    task_categories: ['text-generation', 'question-answering'],
    tags: ['distillation', 'preference', ...(target === 'trl' ? ['trl'] : ['distillm-2'])],
    size_categories: [sizeOf(pairs.train + pairs.test)],
    configs:
      target === 'trl'
        ? [
            { config_name: 'preference', default: true, data_files: files('') },
            { config_name: 'completion', data_files: files('completion/') },
            ...(isPlain ? [] : [{ config_name: 'dialogue', data_files: files('dialogue/') }]),
          ]
        : [{ config_name: 'default', data_files: files('') }],
    ...(isPlain ? { pretty_name: 'for a model without a chat template' } : {}),
  });
}

function fieldsOf({ target, isPlain }: DatasetFacts): string {
  if (target === 'distillm2') {
    return `\`train.json\` and \`test.json\` are JSON lists, as \`reformat.py\` of the DistiLLM-2 code writes them:
\`prompt\` (the last user message), \`chosen\` and \`rejected\` (the messages, the assistant's last). A system message, where
there is one, is the first of them.`;
  }
  const answers = isPlain
    ? '`prompt`, `chosen` and `rejected` are texts: the model has no chat template'
    : '`prompt` is a list of messages, `chosen` and `rejected` are one message of the assistant each';
  const dialogue = '`dialogue/` (configuration `dialogue`, for GKD): `messages`, with that response.\n';
  return `\`train.json\` and \`test.json\` (configuration \`preference\`, for DPO and its like): ${answers}.
\`completion/\` (configuration \`completion\`, for SFT): \`prompt\` and \`completion\`, the teacher's response.
${isPlain ? '' : dialogue}All are JSON lists.`;
}

function trainingOf({ target, parameters, isPlain }: DatasetFacts): string {
  const { batch, learningRate, epochs, steps, lora, maxLength } = parameters;
  const length = epochs === null ? `${steps} steps` : `${epochs} epoch${epochs === 1 ? '' : 's'}`;
  const weights = lora ? `LoRA of rank ${lora.r}, alpha ${lora.alpha}` : 'all weights';
  const figures = `Parameters are those of the pipeline: ${length}, ${batch} pairs a step, learning rate ${learningRate}, ${weights}, ${maxLength} tokens.`;
  const command =
    target === 'trl'
      ? `pip install -r requirements.txt
STUDENT=… TEACHER=… OUTPUT=… GPUS=8 bash run.sh ${isPlain ? 'dpo' : 'gkd'}`
      : 'DISTILLM2=… STUDENT=… TEACHER=… OUTPUT=… GPUS=8 bash run.sh';
  const limits =
    target === 'trl'
      ? `Of several trainers: ${isPlain ? '`dpo` or `sft` (GKD needs a chat template)' : '`gkd`, `dpo` or `sft`'}.`
      : '`run.sh` fills the paths into `distillm2.yaml`; hold its fields against the example configurations of the version of the code you have.';
  return `${figures}

\`\`\`
${command}
\`\`\`

${limits} Teacher and student must have the same vocabulary.`;
}

function sizeOf(count: number): string {
  const sizes: readonly (readonly [number, string])[] = [
    [1e3, 'n<1K'],
    [1e4, '1K<n<10K'],
    [1e5, '10K<n<100K'],
    [1e6, '100K<n<1M'],
  ];
  return sizes.find(([limit]) => count < limit)?.[1] ?? '1M<n<10M';
}

function cell(text: string): string {
  return text.replace(/\s+/gu, ' ').replaceAll('|', '\\|') || '—';
}
