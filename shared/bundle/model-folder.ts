/**
 * What a model folder holds, before it is opened: which files a bundle needs of it, and everything that is absent,
 * said at once.
 *
 *   config.json, weights (see `weight-files.ts`), tokenizer.json                          needed
 *   tokenizer_config.json, chat_template.*, generation_config.json, README.md, LICENSE …  taken along
 *
 * Anything else (weights of other programs, caches, optimiser states) stays behind.
 */
import { messageOf } from '../errors.js';
import { type ModelCard, readModelCard } from '../licence/model-card.js';
import { openChatTemplate } from '../lm/chat-template-folder.js';
import { parseDecoderConfig } from '../lm/decoder-config.js';
import { quantizationReportName } from '../lm/quantize/quantization-report.js';
import { type Check, listed } from './check.js';
import { FolderFiles } from './folder-files.js';
import { quantizationMetrics } from './quantization-metrics.js';
import { findWeightFiles, lfsPointersFound } from './weight-files.js';

export interface ModelFolder {
  folder: string;
  /** What goes into a bundle, by path relative to the folder; sorted. */
  files: { path: string; bytes: number }[];
  /** `config.json`; undefined where it cannot be read. */
  config: Record<string, unknown> | undefined;
  card: ModelCard;
  /** What was measured when it was quantised; empty where it was not. */
  metrics: Record<string, number>;
  /** One line or more for each thing that a folder must or should hold. */
  checks: Check[];
}

const taken =
  /^(?:config\.json|generation_config\.json|tokenizer\.json|tokenizer_config\.json|special_tokens_map\.json|chat_template\.(?:jinja|json)|README\.md|NOTICE[\w.-]*)$/iu;
/** `LICENSE`, `LICENSE.txt`, `LICENSE-MODEL`, `MODEL_LICENSE`, `COPYING`, `USE_POLICY.md` … */
const licenceFile = /^(?:[\w.-]*licen[cs]e[\w.-]*|copying[\w.-]*|use[_-]policy[\w.-]*)$/iu;
const fromSource = 'Copy it from the source of the model.';

/** @throws HaetaeError FILE_NOT_FOUND where there is no such folder. */
export async function readModelFolder(folder: string): Promise<ModelFolder> {
  const files = await FolderFiles.of(folder);
  const config = await files.json('config.json');
  const weights = await findWeightFiles(files);
  const paths = [
    ...files.names.filter((name) => taken.test(name) || licenceFile.test(name)),
    ...weights.paths,
  ].sort();
  return {
    folder,
    files: paths.map((path) => ({ path, bytes: files.size(path) })),
    config,
    card: await readCard(files, config),
    metrics: quantizationMetrics(await files.json(quantizationReportName)),
    checks: [
      await configCheck(files, config),
      ...weights.checks,
      await tokenizerCheck(files),
      await chatTemplateCheck(files),
    ],
  };
}

async function readCard(files: FolderFiles, config: Record<string, unknown> | undefined): Promise<ModelCard> {
  const licences: { name: string; text: string }[] = [];
  for (const name of files.names.filter((each) => licenceFile.test(each))) {
    const text = await files.text(name);
    // What is too large to read is no licence that is known.
    licences.push({ name, text: text ?? `${name}, which is too large to be read` });
  }
  const readme = await files.text('README.md');
  return readModelCard({
    ...(readme === undefined ? {} : { readme }),
    licences,
    ...(config === undefined ? {} : { config }),
  });
}

async function configCheck(files: FolderFiles, config: Record<string, unknown> | undefined): Promise<Check> {
  const rule = { subject: 'config.json', required: 'the shape of the model' };
  if (!files.has('config.json')) {
    if (!files.has('adapter_config.json'))
      return { ...rule, found: 'nothing', verdict: 'missing', remedy: fromSource };
    const found = 'adapter_config.json: an adapter without its model';
    return { ...rule, found, verdict: 'missing', remedy: 'Merge the adapter into its base model first.' };
  }
  if (config === undefined)
    return { ...rule, found: 'no JSON object', verdict: 'broken', remedy: fromSource };
  try {
    const generation = (await files.json('generation_config.json')) ?? null;
    const { family, nLayer, hiddenSize } = parseDecoderConfig(config, generation, files.folder);
    return { ...rule, found: `${family}, ${nLayer} layers of ${hiddenSize}`, verdict: 'ok' };
  } catch (error) {
    return { ...rule, found: 'what cannot be opened', verdict: 'broken', remedy: messageOf(error) };
  }
}

async function tokenizerCheck(files: FolderFiles): Promise<Check> {
  const rule = { subject: 'tokenizer.json', required: 'how text becomes tokens' };
  if (await files.isLfsPointer('tokenizer.json')) return { ...rule, ...lfsPointersFound(['tokenizer.json']) };
  if (files.has('tokenizer.json')) return { ...rule, found: 'there', verdict: 'ok' };
  const old = ['tokenizer.model', 'vocab.json', 'merges.txt'].filter((name) => files.has(name));
  if (old.length === 0) return { ...rule, found: 'nothing', verdict: 'missing', remedy: fromSource };
  const remedy = 'Save it with the fast tokenizer of transformers, or copy it from the source.';
  return { ...rule, found: `only ${listed(old)}`, verdict: 'missing', remedy };
}

/** Without one a model still scores and completes texts. */
async function chatTemplateCheck({ folder }: FolderFiles): Promise<Check> {
  const rule = {
    subject: 'chat template',
    required: 'for chat: tokenizer_config.json or chat_template.jinja',
  };
  try {
    if (await openChatTemplate(folder)) return { ...rule, found: 'there', verdict: 'ok' };
    return { ...rule, found: 'nothing: prompts will be plain text', verdict: 'note' };
  } catch (error) {
    return { ...rule, found: 'what cannot be used', verdict: 'broken', remedy: messageOf(error) };
  }
}
