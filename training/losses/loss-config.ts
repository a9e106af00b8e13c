/**
 * What a run file says of its loss: a name and its parameters. `resolveLoss` fills in the defaults, so that what a
 * checkpoint or a report stores is complete.
 */
import Type, { type Static } from 'typebox';
import type { DivergenceKind } from './divergence-kind.js';

const skewAlpha = Type.Number({
  exclusiveMinimum: 0,
  exclusiveMaximum: 1,
  description: 'Share of p (skew_forward_kl) or of q (skew_reverse_kl) in the mixture; default 0.1',
});

const named = <Name extends string>(name: Name, description: string) => Type.Literal(name, { description });

export const LossConfig = Type.Union([
  Type.Object(
    { name: named('cross_entropy', 'Next-token cross-entropy; no teacher') },
    { additionalProperties: false },
  ),
  Type.Object({ name: named('forward_kl', 'Σ p (log p − log q)') }, { additionalProperties: false }),
  Type.Object({ name: named('reverse_kl', 'Σ q (log q − log p)') }, { additionalProperties: false }),
  Type.Object(
    {
      name: named('generalised_jsd', 'α KL(p ‖ m) + (1−α) KL(q ‖ m), m = α·p + (1−α)·q'),
      alpha: Type.Optional(
        Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1, description: 'Default 0.5' }),
      ),
    },
    { additionalProperties: false },
  ),
  Type.Object(
    { name: named('skew_forward_kl', 'KL(p ‖ α·p + (1−α)·q)'), alpha: Type.Optional(skewAlpha) },
    { additionalProperties: false },
  ),
  Type.Object(
    { name: named('skew_reverse_kl', 'KL(q ‖ (1−α)·p + α·q)'), alpha: Type.Optional(skewAlpha) },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      name: named('distillm2', 'Contrastive distillation over pairs of a chosen and a rejected response'),
      form: Type.Union([Type.Literal('released'), Type.Literal('paper')], {
        description:
          'released: α and β constant, the mixture of SRKL detached. paper: α per pair, β gradual, full gradient',
      }),
      alpha: Type.Optional(
        Type.Number({
          minimum: 0.01,
          exclusiveMaximum: 1,
          description: 'α of every pair (released), or the largest α of a pair (paper); default 0.1',
        }),
      ),
      detached: Type.Optional(
        Type.Boolean({
          description:
            'Whether SRKL has no gradient through its mixture; default: true for released, else false',
        }),
      ),
    },
    { additionalProperties: false },
  ),
]);
export type LossConfig = Static<typeof LossConfig>;

export interface DivergenceLoss {
  name: DivergenceKind;
  /** 0..1; of no effect in forward_kl and reverse_kl. */
  alpha: number;
}

export interface Distillm2Loss {
  name: 'distillm2';
  form: 'released' | 'paper';
  alpha: number;
  detached: boolean;
}

export type ResolvedLoss = { name: 'cross_entropy' } | DivergenceLoss | Distillm2Loss;

/** The loss with every default in place. */
export function resolveLoss(config: LossConfig): ResolvedLoss {
  switch (config.name) {
    case 'cross_entropy':
      return { name: config.name };
    case 'forward_kl':
    case 'reverse_kl':
      return { name: config.name, alpha: 0 };
    case 'generalised_jsd':
      return { name: config.name, alpha: config.alpha ?? 0.5 };
    case 'skew_forward_kl':
    case 'skew_reverse_kl':
      return { name: config.name, alpha: config.alpha ?? 0.1 };
    case 'distillm2':
      return {
        name: config.name,
        form: config.form,
        alpha: config.alpha ?? 0.1,
        detached: config.detached ?? config.form === 'released',
      };
  }
}

/** Whether the loss wants pairs of a chosen and a rejected response. */
export function needsPairs(loss: ResolvedLoss): loss is Distillm2Loss {
  return loss.name === 'distillm2';
}
