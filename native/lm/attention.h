// Causal self-attention over a cache of keys and values that is extended in place.
//
// One call takes the new tokens of several rows (sequences). For each of them it rotates q and k (after an RMSNorm
// per head, where there is one), writes k and v into the row's slot of the cache behind what is there, and attends
// to the slot's past and to those new tokens that it may see:
//
//   out[i] = Σ_j softmax_j(q_i · k_j · scale) v_j      j over the past, and over new tokens [visibleFrom[i], i]
//
// `visibleFrom` is 0 for text; for the branches of a tree it is where the token's branch begins, and the token's
// position counts from there. With a window, a token sees only positions less than `window` before its own.
#pragma once

#include <cstdint>

#include "int-matmul.h"

namespace haetae {

struct Attention {
  int64_t rows;      // sequences in this call
  int64_t tokens;    // new tokens of the longest; shorter ones are padded
  int64_t heads, kvHeads, headDim;
  int64_t capacity;  // positions of a slot
  int64_t window;    // ≤ 0: none
  int64_t positions; // rows of cos and sin
  float scale;
  float epsilon;
  const float* qkv;          // [rows, tokens, (heads + 2·kvHeads)·headDim]
  float* keys;               // [slots, kvHeads, capacity, headDim]
  float* values;             // the same
  const int32_t* slots;      // [rows]
  const int32_t* past;       // [rows]: positions of the slot in use
  const int32_t* fresh;      // [rows]: new tokens, 1 … tokens
  const int32_t* visibleFrom;// [rows, tokens]
  const float* cosines;      // [positions, headDim/2]
  const float* sines;
  const float* qNorm;        // [headDim] or null
  const float* kNorm;
  float* out;                // [rows, tokens, heads·headDim]; padding is zero
};

/// Head sizes are multiples of 16. Needs AVX-512.
void attend(const Attention& a, int threads, const ParallelFor& parallelFor);

}  // namespace haetae
