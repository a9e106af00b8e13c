/**
 * GPTQ over a whole decoder: block by block, each quantised for the activations that the quantised blocks before
 * it give on the calibration text.
 */
import type { DecoderConfig } from '../model-config.js';
import { openCalibration } from './calibration.js';
import { factorHessian } from './factor-hessian.js';
import type { LayerWriter } from './layer-writer.js';
import { openMatrixProducts } from './matrix-products.js';
import { blockLayers, type LayerPlan } from './plan-layers.js';
import type { TensorReader } from './tensor-reader.js';

export interface WriteCalibratedOptions {
  config: DecoderConfig;
  plan: LayerPlan;
  reader: TensorReader;
  layerWriter: LayerWriter;
  /** Token ids of sequences, all of one length. */
  sequences: readonly (readonly number[])[];
  threads: number;
  signal?: AbortSignal;
  /** Called after each layer. */
  done: (layer: string) => void;
}

export async function writeCalibrated(options: WriteCalibratedOptions): Promise<void> {
  const { config, plan, reader, layerWriter, sequences, threads, signal, done } = options;
  const products = await openMatrixProducts(threads);
  const common = { config, reader, sequences, products, threads };
  const calibration = await openCalibration(signal ? { ...common, signal } : common);
  const layerOf = (name: string) => plan.layers.find((layer) => layer.name === name)!;
  try {
    for (let block = 0; block < config.nLayer; block++) {
      const weights = await calibration.readBlock(block);
      const hessians = await calibration.hessians(block, weights);
      for (const { name, parts } of blockLayers) {
        const layer = layerOf(`model.layers.${block}.${name}`);
        const factor = await factorHessian(hessians.get(name)!, layer.k, products);
        hessians.delete(name);
        const held = parts.map((part) => weights.get(`${part}.weight`)!);
        await layerWriter.write(layer, { factor, products }, held);
        done(layer.name);
      }
      await calibration.advance(block, weights);
    }
    const head = layerOf('lm_head');
    if (head.bits === 8) {
      await layerWriter.write(head); // nothing that feedback could better
    } else {
      const norm = (await reader.readRows('model.norm.weight', 0, head.k)).slice();
      const factor = await factorHessian(await calibration.headHessian(norm), head.k, products);
      await layerWriter.write(head, { factor, products });
    }
    done(head.name);
  } finally {
    await calibration.close();
    await products.close();
  }
}
