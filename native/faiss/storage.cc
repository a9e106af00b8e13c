#include "storage.h"

#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIDMap.h>
#include <faiss/IndexIVF.h>
#include <faiss/IndexIVFFlat.h>
#include <faiss/impl/io.h>
#include <faiss/index_io.h>
#include <faiss/invlists/InvertedLists.h>
#include <faiss/invlists/OnDiskInvertedLists.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "failure.h"
#include "flat-scan.h"

namespace haetae {

using faiss::Index;
using idx_t = Index::idx_t;

namespace {

std::string errnoText() { return std::strerror(errno); }

/// Watches the scalars of 8 bytes that announce lengths. Nothing in a file can be longer than what is left of
/// the file, except FAISS's two dummies (2^20); the one exception is the sole element of a vector of length 1.
/// Also refuses by their four letters the kinds of index that are not supported (FAISS crashes on damaged
/// files of some), and inverted lists of type `ilod`, which name another file that FAISS would open.
class LengthGuard {
 public:
  void check(const void* value, size_t size, size_t nitems, uint64_t left) {
    if (size == 4 && nitems == 1) checkFourcc(static_cast<const char*>(value));
    if (listStride_ > 0 && size == 8 && ++listReads_ == 2) checkListSizes(value, nitems, left);
    if (size != 8 || nitems != 1) {
      previous_ = 0;
      return;
    }
    uint64_t length;
    std::memcpy(&length, value, sizeof length);
    if (previous_ != 1 && length > std::max<uint64_t>(left, uint64_t{1} << 21))
      throw invalidFailure("the index file is damaged: it announces " + std::to_string(length) +
                           " items where " + std::to_string(left) + " bytes are left. Build the index again");
    previous_ = length;
  }

 private:
  uint64_t previous_ = 0;
  size_t listStride_ = 0;  // 1 or 2 while the sizes of inverted lists are being read
  int listReads_ = 0;
  uint64_t listItemBytes_ = 0;

  /// After `full` or `sprs` come a length and the sizes of the lists; together they are part of the rest.
  void checkListSizes(const void* value, size_t nitems, uint64_t left) {
    uint64_t room = left / listItemBytes_;
    for (size_t i = listStride_ - 1; i < nitems; i += listStride_) {
      uint64_t items;
      std::memcpy(&items, static_cast<const char*>(value) + 8 * i, sizeof items);
      if (items > room) throw invalidFailure("it is shorter than its inverted lists. Build the index again");
      room -= items;
    }
    listStride_ = 0;
  }

  void checkFourcc(const char* letters) {
    static const char* const supported[] = {"IxFI", "IxF2", "IxFl", "IwFl", "IHNf", "IxMp", "IxM2"};
    const std::string fourcc(letters, 4);
    if (fourcc == "full" || fourcc == "sprs") {
      listStride_ = fourcc == "full" ? 1 : 2;
      listReads_ = 0;
      listItemBytes_ = previous_ + 8;  // the code size was just read; an id takes 8
    }
    if (fourcc == "ilod") throw invalidFailure("its inverted lists are in another file, which is not allowed");
    // As a number, four letters that start with I are above 800 million: no other scalar is.
    if (fourcc[0] != 'I' || !std::all_of(fourcc.begin(), fourcc.end(), [](unsigned char c) { return isalnum(c); }))
      return;
    if (std::find(std::begin(supported), std::end(supported), fourcc) == std::end(supported))
      throw invalidFailure("indices of kind " + fourcc + " are not supported: use Flat, IVF or HNSW");
  }
};

struct CheckedFileReader : faiss::FileIOReader {
  uint64_t bytes = 0;
  uint64_t used = 0;
  LengthGuard lengths;

  explicit CheckedFileReader(FILE* file) : faiss::FileIOReader(file) {
    struct stat info;
    if (fstat(::fileno(file), &info) != 0) throw invalidFailure("cannot stat the index file: " + errnoText());
    if (!S_ISREG(info.st_mode)) throw invalidFailure("the index path is not a file");
    bytes = static_cast<uint64_t>(info.st_size);
  }

  size_t operator()(void* ptr, size_t size, size_t nitems) override {
    const size_t got = fread(ptr, size, nitems, f);
    used += got * size;
    if (got == nitems) lengths.check(ptr, size, nitems, bytes - std::min(bytes, used));
    return got;
  }
};

struct CheckedMemoryReader : faiss::IOReader {
  const uint8_t* data;
  size_t bytes;
  size_t used = 0;
  LengthGuard lengths;

  CheckedMemoryReader(const uint8_t* data_, size_t bytes_) : data(data_), bytes(bytes_) { name = "buffer"; }

  size_t operator()(void* ptr, size_t size, size_t nitems) override {
    const size_t got = size == 0 ? nitems : std::min(nitems, (bytes - used) / size);
    if (got * size > 0) std::memcpy(ptr, data + used, got * size);
    used += got * size;
    if (got == nitems) lengths.check(ptr, size, nitems, bytes - used);
    return got;
  }
};

void require(bool holds, const char* what) {
  if (!holds) throw invalidFailure(std::string("the index file is damaged: ") + what + ". Build the index again");
}

void validateHnsw(const faiss::IndexHNSW& index) {
  const faiss::HNSW& graph = index.hnsw;
  const size_t n = static_cast<size_t>(index.ntotal);
  require(dynamic_cast<const faiss::IndexFlat*>(index.storage) != nullptr, "the graph has no vectors");
  require(index.storage->metric_type == index.metric_type, "graph and vectors differ in metric");
  require(index.storage->ntotal == index.ntotal && index.storage->d == index.d,
          "graph and vectors differ in number or dimension");
  require(graph.levels.size() == n && graph.offsets.size() == n + 1, "the graph has a wrong number of nodes");
  require(graph.offsets[0] == 0 && graph.offsets[n] == graph.neighbors.size(), "the graph has wrong offsets");
  require(graph.efSearch >= 1 && graph.efSearch <= (1 << 20), "efSearch is out of range");
  const auto& perLevel = graph.cum_nneighbor_per_level;
  require(!perLevel.empty() && perLevel[0] == 0, "the graph has no levels");
  for (size_t i = 1; i < perLevel.size(); i++) require(perLevel[i] >= perLevel[i - 1], "the levels are not ordered");
  for (size_t i = 0; i < n; i++) {
    const int level = graph.levels[i];
    require(level >= 1 && static_cast<size_t>(level) < perLevel.size(), "a node has an impossible level");
    require(graph.offsets[i + 1] >= graph.offsets[i] &&
                graph.offsets[i + 1] - graph.offsets[i] == static_cast<size_t>(perLevel[level]),
            "a node has a wrong number of links");
  }
  for (const auto link : graph.neighbors)
    require(link >= -1 && link < static_cast<int64_t>(n), "a link leads outside the graph");
  if (n == 0) return;
  require(graph.entry_point >= 0 && static_cast<size_t>(graph.entry_point) < n, "the entry point is outside");
  require(graph.max_level >= 0 && graph.max_level == graph.levels[graph.entry_point] - 1,
          "the entry point is not on the highest level");
  // A link on level L must lead to a node that has level L, or the search reads another node's links.
  for (size_t i = 0; i < n; i++)
    for (int level = 1; level < graph.levels[i]; level++)
      for (int j = perLevel[level]; j < perLevel[level + 1]; j++) {
        const auto link = graph.neighbors[graph.offsets[i] + j];
        if (link < 0) break;
        require(graph.levels[link] > level, "a link leads to a node that is not on its level");
      }
}

void validate(const Index& index);

void validateIvf(const faiss::IndexIVFFlat& index) {
  require(index.quantizer != nullptr && index.invlists != nullptr, "the inverted lists are missing");
  require(index.nlist > 0 && index.invlists->nlist == index.nlist, "the number of inverted lists is wrong");
  require(index.quantizer->d == index.d, "centroids and vectors differ in dimension");
  require(index.invlists->code_size == index.code_size && index.code_size > 0, "the code size is wrong");
  require(index.code_size == sizeof(float) * static_cast<size_t>(index.d), "the code size is wrong");
  require(index.nprobe >= 1 && index.nprobe <= (1u << 30), "nprobe is out of range");
  if (index.is_trained)
    require(index.quantizer->ntotal == static_cast<idx_t>(index.nlist), "the number of centroids is wrong");
  size_t total = 0;
  for (size_t list = 0; list < index.nlist; list++) total += index.invlists->list_size(list);
  require(total == static_cast<size_t>(index.ntotal), "the inverted lists hold a wrong number of vectors");
  validate(*index.quantizer);
}

void validate(const Index& index) {
  require(index.d > 0 && index.ntotal >= 0, "dimension or number of vectors is out of range");
  const bool exact = dynamic_cast<const faiss::IndexFlat*>(&index) != nullptr;
  uint8_t trained;
  int32_t metric;
  std::memcpy(&trained, &index.is_trained, 1);  // what came from a file may be no valid bool or enum
  std::memcpy(&metric, &index.metric_type, sizeof metric);
  require(trained <= 1, "it is neither trained nor untrained");
  // On another metric FAISS throws inside its threads, which nobody can catch.
  require(metric == faiss::METRIC_INNER_PRODUCT || metric == faiss::METRIC_L2 ||
              (exact && ((metric > 1 && metric <= faiss::METRIC_Lp) || (metric >= 20 && metric <= 22))),
          "its metric is unknown");
  if (auto* hnsw = dynamic_cast<const faiss::IndexHNSW*>(&index)) {
    validateHnsw(*hnsw);
    validate(*hnsw->storage);
  } else if (auto* ivf = dynamic_cast<const faiss::IndexIVFFlat*>(&index)) {
    validateIvf(*ivf);
  } else if (auto* flat = dynamic_cast<const faiss::IndexFlat*>(&index)) {
    require(flat->code_size == sizeof(float) * static_cast<size_t>(flat->d) &&
                flat->codes.size() == flat->code_size * static_cast<size_t>(flat->ntotal),
            "the number of floats is wrong");
  } else if (auto* map = dynamic_cast<const faiss::IndexIDMap*>(&index)) {
    require(map->index != nullptr && map->id_map.size() == static_cast<size_t>(map->ntotal) &&
                map->index->ntotal == map->ntotal && map->index->d == map->d,
            "ids and vectors differ in number");
    validate(*map->index);
  } else if (!dynamic_cast<const MappedFlat*>(&index)) {
    throw invalidFailure("indices of this kind are not supported: use Flat, IVF or HNSW");
  }
}

/// FAISS's errors on reading all mean the same to the caller: the file is not a valid index.
template <class Read>
std::unique_ptr<Index> readChecked(const std::string& name, Read&& read) {
  try {
    std::unique_ptr<Index> index(read());
    require(index != nullptr, "it holds no index");
    validate(*index);
    return index;
  } catch (const faiss::FaissException&) {
    throw invalidFailure(name + " is not a FAISS index file, or it is damaged or truncated (" +
                         currentFailure().what() + "). Build the index again");
  } catch (const Failure& failure) {
    throw Failure(failure.code, name + ": " + failure.what());
  } catch (const std::exception& error) {
    throw invalidFailure(name + " cannot be read as a FAISS index: " + error.what());
  }
}

struct FileCloser {
  void operator()(FILE* file) const { fclose(file); }
};
using File = std::unique_ptr<FILE, FileCloser>;

File openFile(const std::string& path) {
  File file(fopen(path.c_str(), "rb"));
  if (file) return file;
  const bool absent = errno == ENOENT || errno == ENOTDIR;
  throw Failure(absent ? "FILE_NOT_FOUND" : "INDEX_INVALID", "cannot open the index " + path + ": " + errnoText());
}

/// Layout of a flat file: see shared/retrieval/flat-scan.ts.
std::unique_ptr<Index> mapFlat(const std::string& path, FILE* file) {
  constexpr size_t kHeader = 45;
  uint8_t header[kHeader];
  struct stat info;
  if (fstat(::fileno(file), &info) != 0 || !S_ISREG(info.st_mode)) return nullptr;
  const bool whole = fread(header, 1, kHeader, file) == kHeader;
  rewind(file);
  if (!whole || std::memcmp(header, "IxFI", 4) != 0) return nullptr;
  int32_t d, metric;
  int64_t ntotal;
  uint64_t floats;
  std::memcpy(&d, header + 4, 4);
  std::memcpy(&ntotal, header + 8, 8);
  std::memcpy(&metric, header + 33, 4);
  std::memcpy(&floats, header + 37, 8);
  require(metric == faiss::METRIC_INNER_PRODUCT, "its metric is not the inner product");
  require(d > 0 && ntotal >= 0, "dimension or number of vectors is out of range");
  const uint64_t bytes = static_cast<uint64_t>(info.st_size);
  require(static_cast<uint64_t>(ntotal) <= bytes / d && floats == static_cast<uint64_t>(ntotal) * d &&
              floats <= (bytes - kHeader) / sizeof(float),
          "it is shorter than its header says");
  void* base = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, ::fileno(file), 0);
  if (base == MAP_FAILED) throw faissFailure("cannot map " + path + ": " + errnoText());
  return std::make_unique<MappedFlat>(base, bytes, kHeader, d, ntotal);
}

/// FAISS maps the lists without asking whether the file is long enough: reading them would kill the process.
void checkMapped(faiss::OnDiskInvertedLists& lists, uint64_t bytes) {
  for (const auto& list : lists.lists)
    require(list.size == 0 || (list.offset <= bytes && list.size <= (bytes - list.offset) / (lists.code_size + 8)),
            "it is shorter than its inverted lists");
  lists.prefetch_nthread = 0;  // FAISS would start up to 32 threads per search to touch the lists
}

/// A mapped flat index as an ordinary one, for writing.
std::unique_ptr<Index> materialize(const MappedFlat& mapped) {
  auto flat = std::make_unique<faiss::IndexFlatIP>(mapped.d);
  flat->codes.resize(static_cast<size_t>(mapped.ntotal) * mapped.d * sizeof(float));
  if (!flat->codes.empty()) std::memcpy(flat->codes.data(), mapped.rows(), flat->codes.size());
  flat->ntotal = mapped.ntotal;
  return flat;
}

}  // namespace

MappedFlat::MappedFlat(void* base, size_t bytes, size_t offset, int d_, idx_t ntotal_)
    : Index(d_, faiss::METRIC_INNER_PRODUCT), base_(base), bytes_(bytes), offset_(offset) {
  ntotal = ntotal_;
}
MappedFlat::~MappedFlat() { ::munmap(base_, bytes_); }
void MappedFlat::add(idx_t, const float*) { throw faissFailure("a memory-mapped index is read-only"); }
void MappedFlat::reset() { throw faissFailure("a memory-mapped index is read-only"); }
void MappedFlat::search(idx_t n, const float* x, idx_t k, float* distances, idx_t* labels,
                        const faiss::SearchParameters*) const {
  scanInnerProduct(rows(), ntotal, d, x, n, k, distances, labels, 1);
}
void MappedFlat::reconstruct(idx_t key, float* recons) const {
  std::memcpy(recons, rows() + static_cast<size_t>(key) * d * sizeof(float), d * sizeof(float));
}

std::unique_ptr<Index> readIndex(const std::string& path, bool mmap) {
  const File file = openFile(path);
  return readChecked(path, [&]() -> Index* {
    if (mmap) {
      if (auto mapped = mapFlat(path, file.get())) return mapped.release();
    }
    CheckedFileReader reader(file.get());
    reader.name = path;
    std::unique_ptr<Index> index(faiss::read_index(&reader, mmap ? faiss::IO_FLAG_MMAP : 0));
    if (auto* ivf = dynamic_cast<faiss::IndexIVF*>(index.get()))
      if (auto* lists = dynamic_cast<faiss::OnDiskInvertedLists*>(ivf->invlists)) checkMapped(*lists, reader.bytes);
    return index.release();
  });
}

std::unique_ptr<Index> readIndex(const uint8_t* data, size_t bytes) {
  return readChecked("the buffer", [&]() -> Index* {
    CheckedMemoryReader reader(data, bytes);
    return faiss::read_index(&reader, 0);
  });
}

void writeIndex(const Index& index, const std::string& path) {
  if (isMapped(index) && !dynamic_cast<const MappedFlat*>(&index))
    throw faissFailure("memory-mapped inverted lists cannot be written: read the file without mmap, or copy it");
  if (auto* mapped = dynamic_cast<const MappedFlat*>(&index)) return writeIndex(*materialize(*mapped), path);
  const std::string temporary = path + "." + std::to_string(::getpid()) + ".tmp";
  File file(fopen(temporary.c_str(), "wb"));
  if (!file) throw faissFailure("cannot write " + path + ": " + errnoText());
  try {
    faiss::FileIOWriter writer(file.get());
    writer.name = path;
    faiss::write_index(&index, &writer);
    if (fflush(file.get()) != 0 || fsync(::fileno(file.get())) != 0)
      throw faissFailure("cannot write " + path + ": " + errnoText());
    file.reset();
    if (rename(temporary.c_str(), path.c_str()) != 0)
      throw faissFailure("cannot write " + path + ": " + errnoText());
  } catch (...) {
    unlink(temporary.c_str());
    throw;
  }
}

std::vector<uint8_t> serializeIndex(const Index& index) {
  if (auto* mapped = dynamic_cast<const MappedFlat*>(&index)) return serializeIndex(*materialize(*mapped));
  if (isMapped(index)) throw faissFailure("memory-mapped inverted lists cannot be serialised: read without mmap");
  faiss::VectorIOWriter writer;
  faiss::write_index(&index, &writer);
  return std::move(writer.data);
}

bool isMapped(const Index& index) {
  if (dynamic_cast<const MappedFlat*>(&index)) return true;
  if (auto* ivf = dynamic_cast<const faiss::IndexIVF*>(&index))
    return dynamic_cast<const faiss::OnDiskInvertedLists*>(ivf->invlists) != nullptr;
  if (auto* map = dynamic_cast<const faiss::IndexIDMap*>(&index)) return isMapped(*map->index);
  return false;
}

std::string describeIndex(const Index& index) {
  if (auto* hnsw = dynamic_cast<const faiss::IndexHNSW*>(&index))
    return "HNSW" + std::to_string(hnsw->hnsw.nb_neighbors(1)) + ",Flat";
  if (auto* ivf = dynamic_cast<const faiss::IndexIVF*>(&index)) {
    std::string coarse;
    if (auto* quantizer = dynamic_cast<const faiss::IndexHNSW*>(ivf->quantizer))
      coarse = "_HNSW" + std::to_string(quantizer->hnsw.nb_neighbors(1));
    return "IVF" + std::to_string(ivf->nlist) + coarse + ",Flat";
  }
  if (auto* map = dynamic_cast<const faiss::IndexIDMap*>(&index)) return "IDMap," + describeIndex(*map->index);
  return "Flat";
}

size_t residentBytes(const Index& index) {
  if (dynamic_cast<const MappedFlat*>(&index)) return 0;
  if (auto* hnsw = dynamic_cast<const faiss::IndexHNSW*>(&index))
    return residentBytes(*hnsw->storage) + hnsw->hnsw.neighbors.size() * 4 + hnsw->hnsw.offsets.size() * 12;
  if (auto* ivf = dynamic_cast<const faiss::IndexIVF*>(&index))
    return isMapped(index) ? 0 : static_cast<size_t>(ivf->ntotal) * (ivf->code_size + 8);
  if (auto* codes = dynamic_cast<const faiss::IndexFlatCodes*>(&index)) return codes->codes.size();
  return static_cast<size_t>(index.ntotal) * index.d * sizeof(float);
}

}  // namespace haetae
