// Divergences between a teacher p and a student q over the vocabulary, with the gradient by the student's logits z.
//
//   forward_kl        Σ p (log p − log q)
//   reverse_kl        Σ q (log q − log p)
//   generalised_jsd   α Σ p (log p − log m) + (1−α) Σ q (log q − log m),  m = α p + (1−α) q   (Agarwal et al. 2023)
//   skew_forward_kl   Σ p (log p − log m),  m = α p + (1−α) q                                 (Ko et al. 2024)
//   skew_reverse_kl   Σ q (log q − log m),  m = (1−α) p + α q; q in m is constant where `detached`
//
//   dz = q ⊙ (g − Σ q g) with g = ∂/∂q (any constant falls out):
//   forward −p/q     reverse log q − log p     jsd (1−α)(log q − log m)
//   skew forward −(1−α) p/m     skew reverse log q − log m, less α q/m where not detached
//
// Everything is made from δ = log q − log p: with a the share of the greater of p and q in the mixture and u = e^−|δ|,
// log m = max(log p, log q) + log(a + (1−a) u), so nothing underflows that counts, and where p = q, log m is exactly
// log p: all divergences are exactly 0 there. A term p·x or q·x with p or q = 0 is 0. Where the teacher has
// probability exactly 0 (a logit of −∞) and the student has not, reverse KL is infinite and its gradient is not a
// number.
#pragma once

#include <cstdint>

#include "int-matmul.h"

namespace haetae {

enum class DivergenceKind { forwardKl, reverseKl, generalisedJsd, skewForwardKl, skewReverseKl };

struct Divergence {
  DivergenceKind kind;
  bool detached;
  int64_t rows, vocabulary;
  const float* student;  // [rows, vocabulary], logits
  const float* teacher;  // the same, logits or log-probabilities
  const float* weights;  // [rows]; 0: the row is not read
  const float* alpha;    // [rows], 0 … 1
};

/// loss [rows], times the weight; dLogits [rows, vocabulary], which may be the student's logits. Needs
/// AVX-512.
void divergence(const Divergence& d, float* loss, float* dLogits, int threads, const ParallelFor& parallelFor);

}  // namespace haetae
