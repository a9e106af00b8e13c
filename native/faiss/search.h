// Searching one index from several threads at once, each search with its own parameters.
//
// FAISS 1.7.3 takes nprobe per search only for plain IVF indices, and for HNSW the per-search efSearch has no
// effect (the candidate heap is sized by the index's own field), so parameters are fields of the index. The
// gate lets searches that agree on them run together and makes the others wait their turn, in order of
// arrival; changes of the index (add, train, …) run alone. No search ever sees another's parameters.
#pragma once

#include <faiss/Index.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace haetae {

/// Search parameters; 0 = the index does not have it, or the caller did not give it.
struct Parameters {
  int64_t nprobe = 0;
  int64_t efSearch = 0;
  int64_t quantizerEfSearch = 0;

  bool operator==(const Parameters& other) const {
    return nprobe == other.nprobe && efSearch == other.efSearch && quantizerEfSearch == other.quantizerEfSearch;
  }
  /// `nprobe=16,efSearch=64`; `quantizer_efSearch` for IVF over HNSW centroids. Throws RETRIEVAL_PARAMETER.
  static Parameters parse(const std::string& text);
  std::string toString() const;
};

struct SearchResult {
  std::vector<int64_t> labels;
  std::vector<float> distances;
};

/// An index, its default parameters and its gate. Shared by the JavaScript object and by searches in flight.
class SharedIndex {
 public:
  explicit SharedIndex(std::unique_ptr<faiss::Index> index);

  /// Runs alone; the index has its default parameters. Searches queued earlier come first.
  void change(const std::function<void(faiss::Index&)>& body);

  /// queries: [nq, d], checked and finite. k ≥ 1. May be called from any thread, many at once.
  SearchResult search(const float* queries, int64_t nq, int64_t k, const Parameters& parameters, int threads);

  void setDefaults(const Parameters& parameters);
  Parameters defaults();

  /// Unchanging or owned by the JavaScript thread, which is also the only one that changes the index.
  const faiss::Index& view() const { return *index_; }

 private:
  enum class Mode { search, change };
  void enter(Mode mode, const Parameters& wanted);
  void leave();
  Parameters effective(const Parameters& asked) const;

  std::unique_ptr<faiss::Index> index_;
  std::mutex mutex_;
  std::condition_variable turn_;
  uint64_t nextTicket_ = 0;
  uint64_t serving_ = 0;
  int active_ = 0;
  bool changing_ = false;
  Parameters defaults_;
  Parameters applied_;
};

}  // namespace haetae
