/** What became of a model that was quantised: `quantization-report.json` in its folder. */
import { join } from 'node:path';
import { writeAtomically } from '../../write-atomically.js';
import type { QuantizationConfig } from '../model-config.js';
import type { Quality } from './measure-quality.js';
import type { QuantizedFolder } from './quantize-folder.js';

export interface QuantizationReport extends QuantizationConfig {
  model: string;
  calibration: { file: string; tokens: number } | null;
  parameters: number;
  /** Of the weight files: the checkpoint as float32, as it is, and quantised. */
  bytes: { float32: number; checkpoint: number; quantized: number };
  bitsPerWeight: number;
  /** Of quantising alone, as is the memory. */
  seconds: number;
  peakRssBytes: number;
  /** Null where it was not measured. */
  quality: (Quality & { text: string }) | null;
}

export const quantizationReportName = 'quantization-report.json';

export function quantizationReport(
  { quantization, parameters, checkpointBytes, quantizedBytes, bitsPerWeight }: QuantizedFolder,
  facts: Pick<QuantizationReport, 'model' | 'calibration' | 'seconds' | 'peakRssBytes'>,
): QuantizationReport {
  const { model, calibration, seconds, peakRssBytes } = facts;
  return {
    ...{ model, ...quantization, calibration, parameters },
    bytes: { float32: parameters * 4, checkpoint: checkpointBytes, quantized: quantizedBytes },
    ...{ bitsPerWeight, seconds, peakRssBytes, quality: null },
  };
}

export function writeQuantizationReport(folder: string, report: QuantizationReport): Promise<void> {
  return writeAtomically(join(folder, quantizationReportName), `${JSON.stringify(report, null, 2)}\n`);
}
