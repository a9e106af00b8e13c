// Which of FAISS's index descriptors may be built.
#pragma once

#include <faiss/MetricType.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "failure.h"

namespace haetae {

/// A number of 1 to 9 digits at `at`, which moves behind it; −1 where there is none.
inline long readCount(const std::string& text, size_t& at) {
  const size_t end = std::min(text.find_first_not_of("0123456789", at), text.size());
  if (end == at || end - at > 9) return -1;
  const long count = std::stol(text.substr(at, end - at));
  at = end;
  return count;
}

/// The part of the factory's language that is tested. With much of the rest, FAISS 1.7.3 divides by zero, fills
/// the memory or throws inside its threads (PQ0, NSG0, IVF4,SQ8 with metric 20), which no binding can catch.
inline void checkDescriptor(const std::string& descriptor, faiss::MetricType metric) {
  if (descriptor == "Flat") return;
  const auto starts = [&](size_t at, const char* word) { return descriptor.compare(at, strlen(word), word) == 0; };
  size_t at = 0;
  bool valid = true;
  if (starts(0, "IVF")) {
    at = 3;
    const long lists = readCount(descriptor, at);
    valid = lists >= 1 && lists <= 1 << 24;
    if (starts(at, "_HNSW")) {
      at += 5;
      const long links = readCount(descriptor, at);
      valid = valid && links >= 2 && links <= 512;
    }
    valid = valid && descriptor.substr(at) == ",Flat";
  } else if (starts(0, "HNSW")) {
    at = 4;
    const long links = readCount(descriptor, at);
    valid = links >= 2 && links <= 512 && (at == descriptor.size() || descriptor.substr(at) == ",Flat");
  } else {
    valid = false;
  }
  if (!valid)
    throw parameterFailure("cannot build \"" + descriptor.substr(0, 100) +
                           "\": use Flat, IVF<lists>,Flat, IVF<lists>_HNSW<links>,Flat or HNSW<links>,Flat "
                           "(1 to 16777216 lists, 2 to 512 links)");
  if (metric > faiss::METRIC_L2) throw parameterFailure("IVF and HNSW take the metrics inner product and L2 only");
}

}  // namespace haetae
