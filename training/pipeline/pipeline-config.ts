/**
 * What a pipeline makes, and how: the configuration of `haetae train run`. A `.ts` module with a default export, or
 * YAML or JSON. Every field has a default but the name and where the student comes from.
 *
 * The sections `pretrain`, `teacherSft`, `sft` and `distill` are run files (see `run-file-schema.ts`) without what the pipeline
 * itself decides: program, output and models, and, unless given, the data.
 */
import Type, { type Static } from 'typebox';
import { promptSets } from '../../shared/answering/prompt-wording.js';
import type { DistillRun, EmbedRun, PretrainRun, SftRun } from '../run/run-file-schema.js';
import { type PromptTask, promptTasks } from '../formats/task-prompt.js';
import { choice, count, fraction, path, required, section } from '../run/schema-fields.js';

/** Checked by the program that reads it. */
const runSection = <T>(description: string) => Type.Unsafe<T>({ type: 'object', description });

type Partially<T> = { [K in keyof T]?: T[K] extends readonly unknown[] ? T[K] : Partially<T[K]> };
/** A run file without the fields that the pipeline fills in. */
export type RunSection<Run> = Omit<Partially<Run>, 'program' | 'output' | 'seed' | 'threads'>;

const Statute = required(
  { kind: Type.Literal('statute', { description: 'Composes questions from the structure of the texts' }) },
  'The built-in teacher: no model',
);

const OpenAi = required(
  {
    kind: Type.Literal('openai', { description: 'Asks a server' }),
    baseUrl: path('Up to and with /v1, e.g. http://127.0.0.1:8000/v1'),
    model: path('Name of the model at the server'),
    apiKeyEnv: Type.Optional(path('Name of the environment variable that holds the key')),
    concurrency: count('Requests at once', 8),
    requestsPerMinute: Type.Optional(count('Most requests in a minute')),
    tokensPerMinute: Type.Optional(count('Most tokens in a minute')),
    timeoutMs: count('Longest wait for a response, milliseconds', 120_000),
    retries: count('Attempts after the first', 6, 0),
    price: section(
      {
        prompt: Type.Number({ minimum: 0, default: 0, description: 'Of a million prompt tokens' }),
        completion: Type.Number({ minimum: 0, default: 0, description: 'Of a million completion tokens' }),
        limit: Type.Optional(
          Type.Number({ exclusiveMinimum: 0, description: 'The stage stops before it has spent more' }),
        ),
      },
      'In any currency',
    ),
  },
  'Any OpenAI-compatible endpoint: vLLM, SGLang, llama.cpp, Ollama, …',
);

const Local = required(
  {
    kind: Type.Literal('local', { description: 'A model folder, run here' }),
    model: path('Folder in the Hugging Face layout, quantised or not'),
    contextLength: count('Longest prompt and output, tokens', 4096, 64),
    slots: count('Sequences worked on at once', 8),
  },
  'A model through the student runtime',
);

export const TeacherConfig = Type.Union([Statute, OpenAi, Local]);
export type TeacherConfig = Static<typeof TeacherConfig>;
export type OpenAiTeacherConfig = Static<typeof OpenAi>;
export type LocalTeacherConfig = Static<typeof Local>;

const Sampling = {
  temperature: Type.Number({ minimum: 0, maximum: 2, default: 0.8, description: '0: the likeliest token' }),
  topP: Type.Number({ exclusiveMinimum: 0, maximum: 1, default: 0.95, description: 'Nucleus' }),
  maxNewTokens: count('Longest response, tokens', 128),
};

export const PipelineConfig = required(
  {
    name: Type.String({
      pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$',
      description: 'Of the pipeline; also the beginning of the ids of its bundles',
    }),
    seed: Type.Integer({
      minimum: 0,
      maximum: 4_294_967_295,
      default: 1,
      description: 'Of all that is drawn',
    }),
    threads: Type.Optional(count('Threads of native work; default: the number of cores')),

    prepare: section(
      {
        raw: Type.String({
          minLength: 1,
          default: 'data/raw',
          description: 'Folder of documents with sources.csv',
        }),
        cache: Type.Optional(path('Folder of parsed documents, to be shared by pipelines; default: its own')),
        texts: Type.Array(path('Plain text, documents between empty lines, or JSONL with text; .gz or not'), {
          default: [],
          description: 'That a new model is pretrained on besides the chunks; nothing is answered from them',
        }),
        allow: Type.Array(path('SPDX id'), {
          default: [],
          description: 'Licences allowed besides the usual ones',
        }),
        allowUnknown: Type.Boolean({ default: false, description: 'Take documents without a known licence' }),
        minQuality: Type.Number({
          minimum: 0,
          maximum: 10,
          default: 1,
          description: 'Chunks below are left out',
        }),
      },
      'Documents to chunks',
    ),
    embed: Type.Optional(
      required(
        {
          vocabSize: count('Entries of its vocabulary', 30_000, 300),
          dimension: count('Of its vectors', 256),
          texts: Type.Array(path('Plain text: statutes between empty lines, .gz or not'), {
            default: [],
            description: 'Learnt from before the chunks; documents that the chunks hold are left out',
          }),
          textShare: fraction('Of their articles that are learnt from', 0.25),
          sentences: count('Sentences of a chunk that pairs are made of', 2, 0),
          questions: count('Questions of a chunk that the statute teacher makes pairs of', 2, 0),
          negatives: count('Passages for each pair that BM25 takes for the right one', 1, 0),
          heldOut: fraction(
            'Of the families of documents (a statute and its decrees) that make no pairs and are measured on',
            0,
          ),
          queries: count('Of each kind, to measure with', 300, 0),
          general: Type.Optional(runSection<RunSection<EmbedRun>>('A run file: training on the texts')),
          run: Type.Optional(runSection<RunSection<EmbedRun>>('A run file: training on the chunks')),
        },
        'An embedder of static token vectors, trained on pairs made of the documents',
      ),
    ),
    index: section(
      {
        embedder: Type.Optional(path('An encoder folder with ONNX, instead of the default embedder')),
        queries: count('Of each kind, to measure recall with; 0: none', 100, 0),
      },
      'Chunks to indices',
    ),
    synthesize: section(
      {
        teacher: Type.Union(TeacherConfig.anyOf, {
          default: { kind: 'statute' },
          description: 'Who writes the questions and, where it is a model, judges them',
        }),
        questions: count('To be kept, of all splits', 2_000),
        openShare: fraction('Of these, how many ask for an answer in words', 0.1),
        negatedShare: fraction('Of the multiple choice, how many ask for the false one', 0.4),
        fiveChoiceShare: fraction('Of the multiple choice, how many have five choices; the rest four', 0.5),
        formShare: fraction('Most that one form may make up, as long as others can be had', 0.1),
        domainShare: fraction('Most that one domain may make up, as long as others have texts left', 0.7),
        perChunk: count('Most that are made of one chunk', 3),
        kinds: Type.Array(path('A kind of chunk'), {
          default: ['article', 'control', 'prose', 'table', 'appendix'],
          description: 'Chunks that are asked about',
        }),
        minQuality: Type.Number({ minimum: 0, maximum: 10, default: 7, description: 'Below: written again' }),
        regenerations: count('Times a question is written again before it is dropped', 3, 0),
        judge: Type.Boolean({ default: true, description: 'Whether a teacher that is a model also judges' }),
        decontaminate: section(
          {
            files: Type.Array(path('CSV with a column Question'), {
              default: [
                'data/questions/test.csv',
                'data/questions/dev_mc.csv',
                'data/questions/dev_subjective.csv',
              ],
              description: 'Questions that nothing in the training data may be like',
            }),
            jaccard: fraction('Likeness of 4-grams from which on a question is dropped', 0.3),
          },
          'What keeps the questions that are measured on out of the training data',
        ),
        calibrationShare: fraction('Of the documents, whose questions only calibrate', 0.1),
        validationShare: fraction('Of the documents, whose questions are only measured on', 0.1),
      },
      'Chunks to questions with answers',
    ),
    student: section(
      {
        from: Type.Optional(path('Folder of the model to begin with; or give pretrain')),
        contextLength: count('Longest prompt and output it serves, tokens', 1024, 64),
        slots: count('Sequences it works on at once', 8),
        passages: count('Passages that it is shown', 3, 0),
        prompts: choice(promptSets, {
          default: 'ko-1',
          description: 'ko-1: for models that follow instructions; ko-2: short, for small ones taught here',
        }),
        licence: Type.Optional(path('SPDX id of the model that is published; default: its own, or MIT')),
        released: Type.Optional(
          Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$', description: 'When student.from was published' }),
        ),
      },
      'The model that is taught',
    ),
    pretrain: Type.Optional(
      runSection<RunSection<PretrainRun>>(
        'A run file: a new model, from the chunks unless data.train says otherwise',
      ),
    ),
    teacherSft: Type.Optional(
      runSection<RunSection<SftRun>>(
        'A run file: a model learns the answers from prompts with their sources, and becomes the teacher of distill',
      ),
    ),
    sft: Type.Optional(
      runSection<RunSection<SftRun>>(
        'A run file: the model learns the answers. With teacherSft distill begins with it, else it is its teacher',
      ),
    ),
    respond: section(
      {
        ...Sampling,
        tasks: Type.Array(choice(promptTasks, { description: 'What is asked' }), {
          minItems: 1,
          default: ['label', 'verify', 'open'],
          description: 'Prompts that are made of each question, as far as they fit it',
        }),
        prompts: Type.Optional(count('Most prompts, a sample; default: all')),
        promptsPerTask: Type.Unsafe<{ [task in PromptTask]?: number }>(
          section(
            Object.fromEntries(promptTasks.map((task) => [task, Type.Optional(count(`Of ${task}`))])),
            'Most prompts of a task, for sft and sft-teacher too; default: all',
          ),
        ),
        teacher: Type.Optional(
          Type.Union(TeacherConfig.anyOf, { description: 'Who answers; default: that of synthesize' }),
        ),
      },
      'A response of teacher and student to each prompt',
    ),
    distill: section(
      {
        iterations: count('Times of respond, reformat and distill', 1),
        teacher: Type.Optional(
          path(
            'Folder of the model whose probabilities are learnt; default: what sft-teacher made, a local teacher, or what sft made',
          ),
        ),
        run: Type.Optional(runSection<RunSection<DistillRun>>('A run file')),
      },
      'The student learns the distribution of its teacher',
    ),
    validate: section(
      {
        questions: count('Most questions, a sample', 500),
        mode: choice(['label', 'continuation', 'verify'], {
          default: 'label',
          description: 'How the student answers',
        }),
        minGain: Type.Number({
          minimum: -1,
          maximum: 1,
          default: 0,
          description: 'Accuracy above the incumbent student that is asked for; it must be more than this',
        }),
      },
      'Student against incumbent, on documents it has not seen',
    ),
    quantize: section(
      {
        bits: Type.Union([Type.Literal(4), Type.Literal(8)], { default: 4, description: 'A weight' }),
        block: count('Weights that share a scale: 16, 32, 64, 128 or 256', 32),
        headBits: Type.Union([Type.Literal(4), Type.Literal(8)], { default: 8, description: 'Of the head' }),
        calibrated: Type.Boolean({
          default: true,
          description: 'GPTQ on training prompts; else round to nearest',
        }),
        maxPerplexityRatio: Type.Number({ minimum: 1, default: 1.15, description: 'Quantised by float' }),
        minAgreement: fraction('Of questions that both answer alike', 0.85),
      },
      'Fewer bits, and what they may cost',
    ),
    evaluate: section(
      {
        files: Type.Array(path('CSV with Question and Answer'), {
          default: ['data/questions/dev_mc.csv', 'data/questions/dev_subjective.csv'],
          description: 'Measured on for the report; no gate',
        }),
        fitFiles: Type.Array(path('CSV with Question and Answer'), {
          default: [],
          description: 'Authored questions that the mode `combined` is fitted on; none: the calibration ones',
        }),
        questions: count('Most questions of the validation split, a sample', 500),
        shuffles: count('Times the choices are dealt anew', 1, 0),
        probes: count(
          'Questions whose answers the bundle carries, to be reproduced where it is loaded',
          5,
          1,
        ),
      },
      'The whole bundle, as it is served, against the incumbent',
    ),
    publish: section(
      {
        models: Type.Optional(path('Folder of the bundles; default: models in the output folder')),
        mode: choice(['auto', 'evidence', 'label', 'continuation', 'verify', 'combined'], {
          default: 'auto',
          description: 'How choices are answered; auto: what was best on the calibration questions',
        }),
        minGain: Type.Number({
          minimum: -1,
          maximum: 1,
          default: 0,
          description: 'Accuracy above the incumbent bundle that is asked for; it must be more than this',
        }),
        activate: Type.Boolean({ default: true, description: 'Make it what the API serves' }),
        rules: Type.Optional(choice(['contest'], { description: 'Hold licences and dates against rules' })),
        keep: count('Bundles of this pipeline that are kept besides the active one and its parent', 3, 0),
      },
      'A bundle for the API',
    ),
  },
  'haetae train run: from documents to a published bundle',
);
export type PipelineConfig = Static<typeof PipelineConfig>;

type Given<T> = T extends readonly (infer U)[]
  ? readonly U[]
  : T extends object
    ? { [K in keyof T]?: Given<T[K]> }
    : T;
/** What a `.ts` configuration exports: `export default { … } satisfies PipelineFile`. */
export type PipelineFile = Given<Omit<PipelineConfig, 'name'>> & Pick<PipelineConfig, 'name'>;
