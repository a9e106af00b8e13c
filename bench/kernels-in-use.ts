/** Which operators compute a decoder, and whether they are those that were asked for. */
import type { Decoder } from '../shared/lm/decoder.js';

export const kernelChoices = ['auto', 'runtime', 'native'] as const;
export type KernelChoice = (typeof kernelChoices)[number];

/** @throws Error where others run than were asked for. */
export function kernelsInUse(
  decoder: Pick<Decoder, 'kernels'>,
  wanted: KernelChoice = 'auto',
): 'runtime' | 'native' {
  const found = decoder.kernels === 'runtime' ? 'runtime' : 'native';
  if (wanted !== 'auto' && wanted !== found)
    throw new Error(`--kernels ${wanted} was asked for, but ${found} kernels run`);
  return found;
}
