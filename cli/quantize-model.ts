/** What `haetae quantize` does: the folder, then (with `--report`) what it costs, then what to run next. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HaetaeError, messageOf } from '../shared/errors.js';
import { readDecoderConfig } from '../shared/lm/decoder-config.js';
import { calibrationSequences } from '../shared/lm/quantize/calibration-text.js';
import { sampleQuestions } from '../shared/lm/quantize/choice-agreement.js';
import { measureQuality } from '../shared/lm/quantize/measure-quality.js';
import {
  type QuantizationReport,
  quantizationReport,
  writeQuantizationReport,
} from '../shared/lm/quantize/quantization-report.js';
import { type QuantizeMethod, quantizeFolder } from '../shared/lm/quantize/quantize-folder.js';
import { openTokenizer } from '../shared/lm/tokenizer.js';
import { startProgress } from '../shared/progress.js';

export interface QuantizeModelOptions {
  model: string;
  out: string;
  bits: 4 | 8;
  block: number;
  headBits: 4 | 8;
  embedding: 'checkpoint' | 'head';
  method?: QuantizeMethod;
  calibration?: string;
  calibrationTokens: number;
  report?: boolean;
  reportText: string;
  reportTokens: number;
  reportQuestions: string;
  reportCount: number;
  threads: number;
  signal: AbortSignal;
  log: (line: string) => void;
}

const calibrationLength = 512;

/** @throws HaetaeError USAGE, FILE_NOT_FOUND, MODEL_INVALID, MODEL_UNSUPPORTED */
export async function quantizeModel(options: QuantizeModelOptions): Promise<QuantizationReport> {
  const { model, out, threads, signal, log } = options;
  const method = options.method ?? (options.calibration === undefined ? 'rtn' : 'gptq');
  if ((method === 'gptq') !== (options.calibration !== undefined)) {
    throw new HaetaeError(
      'USAGE',
      method === 'gptq'
        ? '--method gptq learns from a text. Name one with --calibration FILE.'
        : `--method ${method} takes no text. Leave out --calibration, or choose --method gptq.`,
    );
  }
  // Read before the work, so that a wrong name does not end it after an hour.
  const questioned = options.report
    ? {
        text: await readText(options.reportText),
        questions: await sampleQuestions(options.reportQuestions, options.reportCount),
      }
    : undefined;
  const started = performance.now();
  const sequences = options.calibration ? await readSequences(options) : [];
  const folder = await quantizeFolder({
    ...{ model, out, method, sequences, threads, signal },
    ...{ bits: options.bits, blockSize: options.block },
    ...{ headBits: options.headBits, embedding: options.embedding },
    progress: (total) => startProgress('quantize', total),
  });
  const report = quantizationReport(folder, {
    model,
    calibration: options.calibration
      ? { file: options.calibration, tokens: sequences.reduce((sum, ids) => sum + ids.length, 0) }
      : null,
    seconds: (performance.now() - started) / 1000,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  });
  await writeQuantizationReport(out, report);
  if (questioned) {
    try {
      const quality = await measureQuality(model, out, {
        ...questioned,
        maxTokens: options.reportTokens,
        ...{ threads, signal },
        log: (line) => process.stderr.write(`${line}\n`),
      });
      report.quality = { text: options.reportText, ...quality };
      await writeQuantizationReport(out, report);
    } catch (error) {
      // The folder is there, whatever became of measuring it.
      for (const line of describe(report, out)) log(line);
      throw error;
    }
  }
  for (const line of describe(report, out)) log(line);
  return report;
}

async function readSequences(options: QuantizeModelOptions): Promise<number[][]> {
  const text = await readText(options.calibration!);
  const { maxPositions } = await readDecoderConfig(options.model);
  const tokenizer = await openTokenizer(join(options.model, 'tokenizer.json'));
  const length = Math.min(calibrationLength, maxPositions);
  return calibrationSequences(text, tokenizer, {
    length,
    count: Math.ceil(options.calibrationTokens / length),
  });
}

async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw new HaetaeError(
      'FILE_NOT_FOUND',
      `${path} cannot be read (${messageOf(error)}). Name a text file.`,
      {
        path,
      },
    );
  });
}

function describe(report: QuantizationReport, out: string): string[] {
  const { bytes, quality } = report;
  const mb = (value: number) => `${(value / 1e6).toFixed(value < 1e7 ? 2 : 0)} MB`;
  const lines = [
    `size        float32 ${mb(bytes.float32)}, checkpoint ${mb(bytes.checkpoint)}, now ${mb(bytes.quantized)} (${report.bitsPerWeight.toFixed(2)} bits a weight, embedding and scales included)`,
    `time        ${report.seconds.toFixed(1)} s, peak memory ${mb(report.peakRssBytes)}`,
  ];
  if (quality) {
    const { perplexity, bitsPerByte, choices } = quality;
    lines.push(
      `perplexity  float32 ${perplexity.reference.toFixed(3)}, now ${perplexity.quantized.toFixed(3)} (× ${perplexity.ratio.toFixed(4)}); bits per byte ${bitsPerByte.reference.toFixed(4)}, ${bitsPerByte.quantized.toFixed(4)}; ${quality.tokens} tokens of ${quality.text}`,
    );
    if (quality.text === report.calibration?.file)
      lines.push('            measured on the calibration text: other texts will do worse');
    if (choices)
      lines.push(
        `choices     the same in ${(100 * choices.agreement).toFixed(1)} % of ${choices.questions} questions; right ${(100 * choices.accuracy.reference).toFixed(1)} %, now ${(100 * choices.accuracy.quantized).toFixed(1)} %`,
      );
  }
  const how = `${report.bits} bits, block ${report.blockSize}, head ${report.headBits} bits, ${report.method}`;
  lines.push(`quantize: wrote ${out} (${how})`);
  lines.push(`Next: haetae lm generate --model ${out} --prompt TEXT, or haetae models import ${out}`);
  return lines;
}
