// Reading and writing FAISS index files without trusting them.
//
// FAISS sizes its vectors by what the file says and believes every link of an HNSW graph: a damaged file can
// ask for a terabyte, or crash a later search. So reads go through a reader that knows how many bytes are
// left, and what was read is validated before anybody searches it.
#pragma once

#include <faiss/Index.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace haetae {

/// A flat inner-product index whose rows stay in the file. Read-only. The file must not be changed in place.
struct MappedFlat : faiss::Index {
  MappedFlat(void* base, size_t bytes, size_t offset, int d, idx_t ntotal);
  ~MappedFlat() override;
  const uint8_t* rows() const { return static_cast<const uint8_t*>(base_) + offset_; }
  void add(idx_t n, const float* x) override;
  void reset() override;
  void search(idx_t n, const float* x, idx_t k, float* distances, idx_t* labels,
              const faiss::SearchParameters* params) const override;
  void reconstruct(idx_t key, float* recons) const override;

 private:
  void* base_;
  size_t bytes_;
  size_t offset_;
};

/// Reads an index. With `mmap`, flat inner-product rows and inverted lists stay in the file; every other
/// part, and every other kind (HNSW, flat L2), is read into memory.
std::unique_ptr<faiss::Index> readIndex(const std::string& path, bool mmap);
std::unique_ptr<faiss::Index> readIndex(const uint8_t* data, size_t bytes);

/// Writes beside `path`, then renames: the file is complete or absent.
void writeIndex(const faiss::Index& index, const std::string& path);
std::vector<uint8_t> serializeIndex(const faiss::Index& index);

/// True where the vectors stay in the file.
bool isMapped(const faiss::Index& index);

/// `Flat`, `IVF128,Flat`, `HNSW32,Flat`, … as FAISS's index factory would write it.
std::string describeIndex(const faiss::Index& index);

/// Bytes of vectors and links in memory, roughly: what the garbage collector should know.
size_t residentBytes(const faiss::Index& index);

}  // namespace haetae
