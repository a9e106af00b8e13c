#include "divergence.h"

#if defined(__x86_64__)

#include <limits>
#include <vector>

#include "int-matmul-kernels.h"
#include "training-softmax.h"

namespace haetae {
namespace {

/// log x of sixteen positive normal floats, to about one unit in the last place; log 1 = 0 exactly; NaN stays.
/// Cephes' polynomial over √½ … √2.
HAETAE_AVX512 inline __m512 logarithm(__m512 x) {
  const __m512 one = _mm512_set1_ps(1.0f);
  __m512 n = _mm512_getexp_ps(x);
  __m512 f = _mm512_getmant_ps(x, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_src);
  const __mmask16 high = _mm512_cmp_ps_mask(f, _mm512_set1_ps(1.41421356f), _CMP_GT_OQ);
  n = _mm512_mask_add_ps(n, high, n, one);
  f = _mm512_sub_ps(_mm512_mask_mul_ps(f, high, f, _mm512_set1_ps(0.5f)), one);
  const __m512 square = _mm512_mul_ps(f, f);
  __m512 p = _mm512_set1_ps(7.0376836292e-2f);
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(-1.1514610310e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.1676998740e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(-1.2420140846e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.4249322787e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(-1.6668057665e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(2.0000714765e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(-2.4999993993e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(3.3333331174e-1f));
  p = _mm512_mul_ps(_mm512_mul_ps(p, f), square);
  p = _mm512_fmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), p);
  p = _mm512_fnmadd_ps(_mm512_set1_ps(0.5f), square, p);
  return _mm512_fmadd_ps(n, _mm512_set1_ps(0.693359375f), _mm512_add_ps(f, p));
}

/// A row of logits as probabilities e^(x − max) · scale and what to take off x for its logarithm.
struct Normalised {
  const float* logits;
  float* exponentials;
  float max, logSum, scale;
};

HAETAE_AVX512 Normalised normalise(const float* logits, int64_t vocabulary, float* exponentials) {
  const float max = largestOf(logits, vocabulary);
  const float sum = exponentiateRow(logits, max, vocabulary, exponentials);
  return {logits, exponentials, max, std::log(sum), 1.0f / sum};
}

/// Sixteen words of the vocabulary.
struct Words {
  __m512 p, q;        // probabilities
  __m512 logP, logQ;
};

HAETAE_AVX512 inline __m512 probability(const Normalised& n, int64_t i, __mmask16 mask) {
  return _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, n.exponentials + i), _mm512_set1_ps(n.scale));
}

HAETAE_AVX512 inline __m512 logProbability(const Normalised& n, int64_t i, __mmask16 mask) {
  const __m512 x = _mm512_sub_ps(_mm512_maskz_loadu_ps(mask, n.logits + i), _mm512_set1_ps(n.max));
  return _mm512_sub_ps(x, _mm512_set1_ps(n.logSum));
}

HAETAE_AVX512 inline Words wordsAt(const Normalised& teacher, const Normalised& student, int64_t i, __mmask16 mask) {
  return {probability(teacher, i, mask), probability(student, i, mask), logProbability(teacher, i, mask),
          logProbability(student, i, mask)};
}

/// factor · x, and 0 where the factor is 0 whatever x is.
HAETAE_AVX512 inline __m512 times(__m512 factor, __m512 x) {
  return _mm512_maskz_mul_ps(_mm512_cmp_ps_mask(factor, _mm512_setzero_ps(), _CMP_NEQ_UQ), factor, x);
}

/// p and q against the mixture m.
struct Mixed {
  __m512 logPOverM, logQOverM;
  __m512 qOverM;
};

/// m = shareP · p + shareQ · q; the shares add up to one.
HAETAE_AVX512 inline Mixed mixed(const Words& w, float shareP, float shareQ) {
  const __m512 zero = _mm512_setzero_ps(), one = _mm512_set1_ps(1.0f);
  const __m512 delta = _mm512_sub_ps(w.logQ, w.logP);
  const __mmask16 student = _mm512_cmp_ps_mask(delta, zero, _CMP_GT_OQ);  // q is greater
  const __m512 distance = _mm512_sub_ps(zero, _mm512_abs_ps(delta));
  const __m512 u = exponentialOrZero(distance);
  const __m512 a = _mm512_mask_mov_ps(_mm512_set1_ps(shareP), student, _mm512_set1_ps(shareQ));
  const __m512 b = _mm512_mask_mov_ps(_mm512_set1_ps(shareQ), student, _mm512_set1_ps(shareP));
  const __m512 r = _mm512_fmadd_ps(b, u, a);
  // Where m is the lesser of the two alone, r = u may underflow; its logarithm is known.
  const __mmask16 alone = _mm512_cmp_ps_mask(a, zero, _CMP_EQ_OQ);
  const __m512 logR = _mm512_mask_mov_ps(logarithm(r), alone, distance);
  const __m512 greater = _mm512_sub_ps(zero, logR);
  const __m512 lesser = _mm512_mask_mov_ps(_mm512_sub_ps(distance, logR), alone, zero);
  const __m512 inverse = _mm512_div_ps(one, r);
  const __m512 lesserOverM = _mm512_mask_mov_ps(_mm512_mul_ps(u, inverse), alone, one);
  return {_mm512_mask_mov_ps(greater, student, lesser), _mm512_mask_mov_ps(lesser, student, greater),
          _mm512_mask_mov_ps(lesserOverM, student, inverse)};
}

struct Term {
  __m512 loss;    // of the sum over the vocabulary
  __m512 qSlope;  // q · g
};

template <DivergenceKind Kind, bool Detached>
HAETAE_AVX512 inline Term termOf(const Words& w, float alpha) {
  using K = DivergenceKind;
  const __m512 shareA = _mm512_set1_ps(alpha), shareB = _mm512_set1_ps(1.0f - alpha);
  if constexpr (Kind == K::reverseKl) {
    const __m512 term = times(w.q, _mm512_sub_ps(w.logQ, w.logP));
    return {term, term};
  } else if constexpr (Kind == K::generalisedJsd) {
    const Mixed m = mixed(w, alpha, 1.0f - alpha);
    const __m512 ofQ = times(shareB, times(w.q, m.logQOverM));
    return {_mm512_add_ps(times(shareA, times(w.p, m.logPOverM)), ofQ), ofQ};
  } else if constexpr (Kind == K::skewForwardKl) {
    const Mixed m = mixed(w, alpha, 1.0f - alpha);
    // q · p/m as p · q/m: q may underflow where m does too.
    const __m512 slope = times(shareB, times(w.p, m.qOverM));
    return {times(w.p, m.logPOverM), _mm512_sub_ps(_mm512_setzero_ps(), slope)};
  } else {
    const Mixed m = mixed(w, 1.0f - alpha, alpha);
    const __m512 term = times(w.q, m.logQOverM);
    if constexpr (Detached) return {term, term};
    return {term, _mm512_sub_ps(term, times(shareA, times(w.q, m.qOverM)))};
  }
}

template <DivergenceKind Kind, bool Detached>
HAETAE_AVX512 float mixedRow(const Normalised& teacher, const Normalised& student, float alpha, float weight,
                             int64_t vocabulary, float* dLogits) {
  __m512 loss = _mm512_setzero_ps(), mean = _mm512_setzero_ps();
  for (int64_t i = 0; i < vocabulary; i += lanes) {
    const __mmask16 mask = lanesBelow(vocabulary - i);
    const Words w = wordsAt(teacher, student, i, mask);
    const Term term = termOf<Kind, Detached>(w, alpha);
    loss = _mm512_mask_add_ps(loss, mask, loss, term.loss);
    mean = _mm512_mask_add_ps(mean, mask, mean, term.qSlope);
    _mm512_mask_storeu_ps(dLogits + i, mask, term.qSlope);
  }
  const __m512 centre = _mm512_set1_ps(_mm512_reduce_add_ps(mean)), factor = _mm512_set1_ps(weight);
  const __m512 scale = _mm512_set1_ps(student.scale);
  for (int64_t i = 0; i < vocabulary; i += lanes) {
    const __mmask16 mask = lanesBelow(vocabulary - i);
    const __m512 q = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, student.exponentials + i), scale);
    const __m512 dz = _mm512_fnmadd_ps(q, centre, _mm512_maskz_loadu_ps(mask, dLogits + i));
    _mm512_mask_storeu_ps(dLogits + i, mask, _mm512_mul_ps(factor, dz));
  }
  return weight * _mm512_reduce_add_ps(loss);
}

/// dz = q − p, of which no ratio has to be made.
HAETAE_AVX512 float forwardRow(const Normalised& teacher, const Normalised& student, float weight, int64_t vocabulary,
                               float* dLogits) {
  __m512 loss = _mm512_setzero_ps();
  const __m512 factor = _mm512_set1_ps(weight);
  for (int64_t i = 0; i < vocabulary; i += lanes) {
    const __mmask16 mask = lanesBelow(vocabulary - i);
    const Words w = wordsAt(teacher, student, i, mask);
    loss = _mm512_mask_add_ps(loss, mask, loss, times(w.p, _mm512_sub_ps(w.logP, w.logQ)));
    _mm512_mask_storeu_ps(dLogits + i, mask, _mm512_mul_ps(factor, _mm512_sub_ps(w.q, w.p)));
  }
  return weight * _mm512_reduce_add_ps(loss);
}

float divergenceOfRow(const Divergence& d, int64_t row, float* scratch, float* dLogits) {
  using K = DivergenceKind;
  const int64_t at = row * d.vocabulary;
  const Normalised teacher = normalise(d.teacher + at, d.vocabulary, scratch);
  const Normalised student = normalise(d.student + at, d.vocabulary, scratch + d.vocabulary);
  const float alpha = d.alpha[row], weight = d.weights[row];
  const auto run = [&](auto of) { return of(teacher, student, alpha, weight, d.vocabulary, dLogits); };
  switch (d.kind) {
    case K::forwardKl: return forwardRow(teacher, student, weight, d.vocabulary, dLogits);
    case K::reverseKl: return run(mixedRow<K::reverseKl, false>);
    case K::generalisedJsd: return run(mixedRow<K::generalisedJsd, false>);
    case K::skewForwardKl: return run(mixedRow<K::skewForwardKl, false>);
    case K::skewReverseKl:
      return d.detached ? run(mixedRow<K::skewReverseKl, true>) : run(mixedRow<K::skewReverseKl, false>);
  }
  return std::numeric_limits<float>::quiet_NaN();
}

}  // namespace

void divergence(const Divergence& d, float* loss, float* dLogits, int threads, const ParallelFor& parallelFor) {
  const Pieces pieces = cut(d.rows, threads, 4);
  std::vector<float> scratch(pieces.count * 2 * static_cast<size_t>(d.vocabulary));
  parallelFor(pieces.count, [&](size_t p) {
    float* mine = scratch.data() + p * 2 * static_cast<size_t>(d.vocabulary);
    for (int64_t i = pieces.begin(p); i < pieces.begin(p + 1); i++) {
      float* dz = dLogits + i * d.vocabulary;
      if (d.weights[i] == 0) std::fill_n(dz, d.vocabulary, 0.0f), loss[i] = 0;
      else loss[i] = divergenceOfRow(d, i, mine, dz);
    }
  });
}

}  // namespace haetae

#else

namespace haetae {
void divergence(const Divergence&, float*, float*, int, const ParallelFor&) {}
}  // namespace haetae

#endif
