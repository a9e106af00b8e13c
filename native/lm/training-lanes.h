// Masks for what is left of a row behind its last whole vector.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace haetae {

/// Floats of a vector.
inline constexpr int64_t lanes = 16;

/// The first `count` lanes: all from 16 on, none up to 0.
inline __mmask16 lanesBelow(int64_t count) {
  return count >= lanes ? 0xffff : count <= 0 ? 0 : static_cast<__mmask16>((1u << count) - 1);
}

}  // namespace haetae
