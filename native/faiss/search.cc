#include "search.h"

#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIDMap.h>
#include <faiss/IndexIVF.h>
#include <omp.h>

#include <algorithm>
#include <cfloat>

#include "failure.h"
#include "flat-scan.h"
#include "storage.h"

namespace haetae {

using faiss::Index;

namespace {

constexpr int64_t kMaxValue = 1 << 16;             // of one parameter
constexpr int64_t kMaxResults = int64_t{1} << 27;  // hits of one call: 1.6 GB

/// The fields of the index that hold its search parameters.
struct Tunables {
  size_t* nprobe = nullptr;
  int* efSearch = nullptr;
  int* quantizerEfSearch = nullptr;
};

Tunables findTunables(Index& index) {
  if (auto* hnsw = dynamic_cast<faiss::IndexHNSW*>(&index)) {
    Tunables found;
    found.efSearch = &hnsw->hnsw.efSearch;
    return found;
  }
  if (auto* ivf = dynamic_cast<faiss::IndexIVF*>(&index)) {
    Tunables found;
    found.nprobe = &ivf->nprobe;
    if (auto* coarse = dynamic_cast<faiss::IndexHNSW*>(ivf->quantizer))
      found.quantizerEfSearch = &coarse->hnsw.efSearch;
    return found;
  }
  if (auto* map = dynamic_cast<faiss::IndexIDMap*>(&index)) return findTunables(*map->index);
  return {};
}

Parameters currentParameters(Index& index) {
  const Tunables fields = findTunables(index);
  Parameters values;
  if (fields.nprobe) values.nprobe = static_cast<int64_t>(*fields.nprobe);
  if (fields.efSearch) values.efSearch = *fields.efSearch;
  if (fields.quantizerEfSearch) values.quantizerEfSearch = *fields.quantizerEfSearch;
  return values;
}

void apply(Index& index, const Parameters& values) {
  const Tunables fields = findTunables(index);
  if (fields.nprobe) *fields.nprobe = static_cast<size_t>(values.nprobe);
  if (fields.efSearch) *fields.efSearch = static_cast<int>(values.efSearch);
  if (fields.quantizerEfSearch) *fields.quantizerEfSearch = static_cast<int>(values.quantizerEfSearch);
}

void runSearch(const Index& index, const float* queries, int64_t nq, int64_t k, SearchResult& result,
               int threads) {
  if (index.metric_type == faiss::METRIC_INNER_PRODUCT) {
    const uint8_t* rows = nullptr;
    if (auto* flat = dynamic_cast<const faiss::IndexFlat*>(&index)) rows = flat->codes.data();
    if (auto* mapped = dynamic_cast<const MappedFlat*>(&index)) rows = mapped->rows();
    if (rows)
      return scanInnerProduct(rows, index.ntotal, index.d, queries, nq, k, result.distances.data(),
                              result.labels.data(), threads);
  }
  index.search(nq, queries, k, result.distances.data(), result.labels.data());
}

}  // namespace

Parameters Parameters::parse(const std::string& text) {
  Parameters parsed;
  size_t from = 0;
  while (from < text.size()) {
    const size_t comma = std::min(text.find(',', from), text.size());
    const std::string item = text.substr(from, comma - from);
    from = comma + 1;
    const size_t equals = item.find('=');
    const std::string name = item.substr(0, equals);
    int64_t* field = name == "nprobe"               ? &parsed.nprobe
                     : name == "efSearch"           ? &parsed.efSearch
                     : name == "quantizer_efSearch" ? &parsed.quantizerEfSearch
                                                    : nullptr;
    const std::string value = equals == std::string::npos ? "" : item.substr(equals + 1);
    if (!field)
      throw parameterFailure("unknown search parameter \"" + item.substr(0, 60) +
                             "\": use nprobe, efSearch or quantizer_efSearch, as in nprobe=16,efSearch=64");
    const bool digits = !value.empty() && value.size() <= 6 &&
                        std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
    const int64_t number = digits ? std::stoll(value) : 0;
    if (number < 1 || number > kMaxValue)
      throw parameterFailure("search parameter " + name + " must be a whole number from 1 to " +
                             std::to_string(kMaxValue) + ", got \"" + value.substr(0, 60) + "\"");
    if (*field != 0) throw parameterFailure("search parameter " + name + " is given twice");
    *field = number;
  }
  if (!text.empty() && text.back() == ',') throw parameterFailure("search parameters end with a comma");
  return parsed;
}

std::string Parameters::toString() const {
  std::string text;
  const auto append = [&](const char* name, int64_t value) {
    if (value == 0) return;
    if (!text.empty()) text += ",";
    text += std::string(name) + "=" + std::to_string(value);
  };
  append("nprobe", nprobe);
  append("efSearch", efSearch);
  append("quantizer_efSearch", quantizerEfSearch);
  return text;
}

SharedIndex::SharedIndex(std::unique_ptr<Index> index) : index_(std::move(index)) {
  defaults_ = applied_ = currentParameters(*index_);
}

/// What the caller asked for, over the defaults; a parameter this kind of index lacks is dropped.
Parameters SharedIndex::effective(const Parameters& asked) const {
  Parameters values = defaults_;
  if (asked.nprobe && values.nprobe) values.nprobe = asked.nprobe;
  if (asked.efSearch && values.efSearch) values.efSearch = asked.efSearch;
  if (asked.quantizerEfSearch && values.quantizerEfSearch) values.quantizerEfSearch = asked.quantizerEfSearch;
  return values;
}

void SharedIndex::enter(Mode mode, const Parameters& asked) {
  std::unique_lock<std::mutex> lock(mutex_);
  const uint64_t ticket = nextTicket_++;
  turn_.wait(lock, [&] {
    if (ticket != serving_) return false;
    if (active_ == 0) return true;
    return mode == Mode::search && !changing_ && effective(asked) == applied_;
  });
  if (active_ == 0) {
    const Parameters wanted = mode == Mode::search ? effective(asked) : defaults_;
    if (!(wanted == applied_)) {
      apply(*index_, wanted);
      applied_ = wanted;
    }
    changing_ = mode == Mode::change;
  }
  active_++;
  serving_++;
  turn_.notify_all();
}

void SharedIndex::leave() {
  std::lock_guard<std::mutex> lock(mutex_);
  active_--;
  if (active_ == 0) changing_ = false;
  turn_.notify_all();
}

void SharedIndex::change(const std::function<void(Index&)>& body) {
  enter(Mode::change, {});
  try {
    body(*index_);
  } catch (...) {
    leave();
    throw;
  }
  leave();
}

void SharedIndex::setDefaults(const Parameters& parameters) {
  change([&](Index& index) {
    std::lock_guard<std::mutex> lock(mutex_);
    defaults_ = effective(parameters);
    apply(index, defaults_);
    applied_ = defaults_;
  });
}

Parameters SharedIndex::defaults() {
  std::lock_guard<std::mutex> lock(mutex_);
  return defaults_;
}

SearchResult SharedIndex::search(const float* queries, int64_t nq, int64_t k, const Parameters& parameters,
                                 int threads) {
  if (nq > kMaxResults / k)
    throw parameterFailure(std::to_string(nq) + " queries × k = " + std::to_string(k) + " are more than " +
                           std::to_string(kMaxResults) + " results: ask for fewer at a time");
  SearchResult result;
  const size_t size = static_cast<size_t>(nq * k);
  result.labels.assign(size, -1);
  result.distances.assign(size, 0);
  enter(Mode::search, parameters);
  try {
    const Index& index = *index_;
    if (!index.is_trained) throw faissFailure("the index is not trained: call train() before add() and search()");
    const float padding = index.metric_type == faiss::METRIC_INNER_PRODUCT ? -FLT_MAX : FLT_MAX;
    const int64_t depth = std::min<int64_t>(k, index.ntotal);  // FAISS allocates by k, whatever the index holds
    if (depth == k) {
      omp_set_num_threads(threads);
      runSearch(index, queries, nq, k, result, threads);
    } else if (depth > 0) {
      SearchResult found;
      found.labels.assign(static_cast<size_t>(nq * depth), -1);
      found.distances.assign(static_cast<size_t>(nq * depth), 0);
      omp_set_num_threads(threads);
      runSearch(index, queries, nq, depth, found, threads);
      for (int64_t q = 0; q < nq; q++) {
        std::copy_n(found.labels.begin() + q * depth, depth, result.labels.begin() + q * k);
        std::copy_n(found.distances.begin() + q * depth, depth, result.distances.begin() + q * k);
      }
    }
    for (size_t i = 0; i < size; i++)
      if (result.labels[i] < 0) result.distances[i] = padding;
  } catch (...) {
    leave();
    throw;
  }
  leave();
  return result;
}

}  // namespace haetae
