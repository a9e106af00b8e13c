/**
 * Divergences between the teacher's distribution p and the student's q over the vocabulary, by the names that run
 * files and the native operator `Divergence` use:
 *
 * ```
 * forward_kl            Σ p (log p − log q)
 * reverse_kl            Σ q (log q − log p)
 * generalised_jsd       α KL(p ‖ m) + (1−α) KL(q ‖ m)     m = α·p + (1−α)·q
 * skew_forward_kl       Σ p (log p − log m)               m = α·p + (1−α)·q
 * skew_reverse_kl       Σ q (log q − log m)               m = (1−α)·p + α·q
 * ```
 *
 * A skew mixture with α in 0..1 bounds the ratio of its logarithm by 1/α, where plain KL is unbounded.
 * Generalised JSD: Agarwal et al. 2024 (GKD, arXiv 2306.13649), whose β is α here. Skew KL: Ko et al. 2024
 * (DistiLLM, arXiv 2402.03898).
 */
export const divergenceKinds = [
  'forward_kl',
  'reverse_kl',
  'generalised_jsd',
  'skew_forward_kl',
  'skew_reverse_kl',
] as const;
export type DivergenceKind = (typeof divergenceKinds)[number];

/** Whether α is part of the formula. */
export function hasMixture(kind: DivergenceKind): boolean {
  return kind !== 'forward_kl' && kind !== 'reverse_kl';
}
