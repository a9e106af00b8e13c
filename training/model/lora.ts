/**
 * Low-rank adapters (Hu et al. 2021): the output of a frozen linear layer W gets + (α / r) · B·A·x, with A `[r, in]`
 * and B `[out, r]` trained. A begins as PEFT's (Kaiming uniform with a = √5, which is uniform within ± 1/√in), B
 * with zeros, so that nothing is changed at first.
 *
 * Adapters of layers over the same input have their A in one parameter, as the layers themselves are one
 * (`linear-layers.ts`); each B is its own.
 */
import { HaetaeError } from '../../shared/errors.js';
import type { DecoderConfig } from '../../shared/lm/model-config.js';
import type { DecoderParameter } from './decoder-parameters.js';
import { type LinearLayer, type LinearPart, linearLayers } from './linear-layers.js';

export const loraTargets = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'] as const;
export type LoraTarget = (typeof loraTargets)[number];

export interface LoraConfig {
  /** Rank, ≥ 1. */
  r: number;
  /** The adapters' output is multiplied by alpha / r. */
  alpha: number;
  /** Linear layers that get one, of every decoder block. */
  targets: readonly LoraTarget[];
  /** Dropout before the adapters is not offered. */
  dropout: 0;
}

/** Those of the published DistiLLM-2 recipe. */
export const defaultLora: LoraConfig = { r: 16, alpha: 128, targets: loraTargets, dropout: 0 };

/** PEFT names modules as they are below the model it wrapped. */
const peftPrefix = 'base_model.model.';

/**
 * Fills in defaults and checks.
 * @throws HaetaeError CONFIG_INVALID
 */
export function loraConfig(given: {
  r?: number;
  alpha?: number;
  targets?: readonly string[];
  dropout?: number;
}): LoraConfig {
  const { r = defaultLora.r, alpha = defaultLora.alpha, targets = loraTargets, dropout = 0 } = given;
  if (!(Number.isSafeInteger(r) && r >= 1)) throw invalid('r', r, 'a positive integer');
  if (!(Number.isFinite(alpha) && alpha > 0)) throw invalid('alpha', alpha, 'a positive number');
  if (dropout !== 0) throw invalid('dropout', dropout, '0: dropout before adapters is not offered');
  const wrong = targets.find((target) => !loraTargets.some((it) => it === target));
  if (wrong !== undefined || targets.length === 0) {
    throw invalid('targets', wrong ?? '[]', `some of ${loraTargets.join(', ')}`);
  }
  return { r, alpha, targets: loraTargets.filter((it) => targets.includes(it)), dropout };
}

/** What B·A·x is multiplied by. */
export function loraScale({ r, alpha }: LoraConfig): number {
  return alpha / r;
}

/** The parts of a linear layer that get an adapter. */
export function loraPartsOf({ parts }: Pick<LinearLayer, 'parts'>, { targets }: LoraConfig): LinearPart[] {
  return parts.filter(({ name }) => targets.some((target) => name === `${target}_proj`));
}

/** The trained tensors of adapters: A of the layers over one input together, then B of each. */
export function loraParameters(config: DecoderConfig, lora: LoraConfig): DecoderParameter[] {
  const { r } = lora;
  const parameters: DecoderParameter[] = [];
  for (let n = 0; n < config.nLayer; n++) {
    for (const linear of linearLayers(config)) {
      const adapted = loraPartsOf(linear, lora);
      if (adapted.length === 0) continue;
      const [layer, module] = [`model.layers.${n}.${linear.name}`, `model.layers.${n}.${linear.module}`];
      parameters.push({
        name: loraA(layer),
        shape: [adapted.length * r, linear.columns],
        decay: true,
        parts: adapted.map(({ name }) => ({ name: peftPrefix + loraA(`${module}.${name}`), rows: r })),
        init: { kind: 'uniform', bound: 1 / Math.sqrt(linear.columns) },
      });
      for (const { name, rows } of adapted) {
        const parameter = loraB(`${module}.${name}`);
        parameters.push({
          name: parameter,
          shape: [rows, r],
          decay: true,
          parts: [{ name: peftPrefix + parameter, rows }],
          init: { kind: 'zeros' },
        });
      }
    }
  }
  return parameters;
}

export const loraA = (module: string): string => `${module}.lora_A.weight`;
export const loraB = (module: string): string => `${module}.lora_B.weight`;

function invalid(field: string, value: unknown, expected: string): HaetaeError {
  return new HaetaeError(
    'CONFIG_INVALID',
    `lora.${field} is ${JSON.stringify(value)}; expected ${expected}.`,
    {
      field: `lora.${field}`,
    },
  );
}
