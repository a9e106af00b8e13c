/** Writes layers as blocks into the new safetensors file, a range of rows at a time. */
import { HaetaeError } from '../../errors.js';
import { quantizeWithFeedback } from './error-feedback.js';
import type { HessianFactor } from './factor-hessian.js';
import type { MatrixProducts } from './matrix-products.js';
import type { PlannedLayer } from './plan-layers.js';
import {
  allocateRows,
  type BlockFormat,
  type QuantizedRows,
  quantizeBlocks,
  type ScaleRule,
} from './quantize-blocks.js';
import type { SafetensorsWriter } from './safetensors-writer.js';
import type { TensorReader } from './tensor-reader.js';

/** Elements of a range of rows that is in memory at once, at least one row. */
export const rangeElements = 2 ** 20;
/** The same with feedback, where each range costs a pass over the Hessian. */
const feedbackElements = 8 * rangeElements;

export interface LayerWriterOptions {
  reader: TensorReader;
  writer: SafetensorsWriter;
  blockSize: number;
  scales: ScaleRule;
  signal?: AbortSignal;
}

/** Error feedback and where the matrix products come from. */
export interface Feedback {
  factor: HessianFactor;
  products: MatrixProducts;
}

export interface LayerWriter {
  /**
   * Quantises one layer and writes it, its bias included.
   * @param weights of its parts, which become what the codes stand for; default: read from the checkpoint in
   *   ranges of rows
   */
  write(layer: PlannedLayer, feedback?: Feedback, weights?: readonly Float32Array[]): Promise<void>;
}

export function createLayerWriter(options: LayerWriterOptions): LayerWriter {
  const { reader, writer, blockSize, scales, signal } = options;

  async function writeRows(
    layer: PlannedLayer,
    firstRow: number,
    weights: Float32Array,
    format: BlockFormat,
    codes: QuantizedRows,
    feedback: Feedback | undefined,
  ): Promise<void> {
    if (feedback) {
      await quantizeWithFeedback(weights, layer.k, feedback.factor, format, feedback.products, codes);
    } else {
      quantizeBlocks(weights, format, codes);
    }
    const element = firstRow * layer.k;
    await writer.write(`${layer.name}.qweight`, (element * layer.bits) / 8, codes.qweight);
    await writer.write(`${layer.name}.scales`, (element / blockSize) * 4, codes.scales);
  }

  async function writeBias({ name, parts }: PlannedLayer): Promise<void> {
    let at = 0;
    for (const part of parts) {
      const bias = await reader.readRows(`${part}.bias`, 0, reader.tensors.get(`${part}.bias`)!.shape[0]!);
      await writer.write(`${name}.bias`, at * 4, bias);
      at += bias.length;
    }
  }

  return {
    async write(layer, feedback, held) {
      // A search gains nothing at 8 bits, where rounding is a 16th of what it is at 4.
      const format: BlockFormat = {
        bits: layer.bits,
        block: blockSize,
        scales: layer.bits === 4 ? scales : 'absmax',
      };
      const rowsAtOnce = Math.max(1, Math.floor((feedback ? feedbackElements : rangeElements) / layer.k));
      const room = allocateRows(Math.min(rowsAtOnce, layer.n), layer.k, format);
      let row = 0;
      for (const [index, part] of layer.parts.entries()) {
        const name = `${part}.weight`;
        const rows = reader.tensors.get(name)!.shape[0]!;
        for (let first = 0; first < rows; first += rowsAtOnce) {
          signal?.throwIfAborted();
          const count = Math.min(rowsAtOnce, rows - first);
          const weights =
            held?.[index]?.subarray(first * layer.k, (first + count) * layer.k) ??
            (await reader.readRows(name, first, count));
          const codes = {
            qweight: room.qweight.subarray(0, (weights.length * layer.bits) / 8),
            scales: room.scales.subarray(0, weights.length / blockSize),
          };
          await writeRows(layer, row + first, weights, format, codes, feedback);
          checkFinite(codes.scales, name, feedback !== undefined);
        }
        row += rows;
      }
      if (layer.hasBias) await writeBias(layer);
    },
  };
}

/** The scale of a block with NaN or infinity is NaN; with feedback, inputs that overflow give the same. */
function checkFinite(scales: Float32Array, name: string, isCalibrated: boolean): void {
  if (scales.every(Number.isFinite)) return;
  const orInputs = isCalibrated ? ', or the calibration text makes its inputs so large' : '';
  throw new HaetaeError(
    'MODEL_INVALID',
    `Tensor "${name}" holds NaN or infinity, which no integer stands for${orInputs}. Copy or download the checkpoint again.`,
    { tensor: name },
  );
}
