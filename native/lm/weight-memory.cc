#include "weight-memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <stdexcept>

namespace haetae {
namespace {

constexpr size_t hugePage = size_t{2} << 20;
constexpr size_t alignment = 64;

size_t roundUp(size_t value, size_t multiple) { return (value + multiple - 1) / multiple * multiple; }

}  // namespace

void adviseHugePages(void* start, size_t bytes) {
  const auto first = reinterpret_cast<uintptr_t>(start);
  const uintptr_t begin = roundUp(first, hugePage);
  const uintptr_t end = (first + bytes) / hugePage * hugePage;
  if (end > begin) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}

void adviseHeap() {
  // Linux 6.1; older ones say EINVAL, and what is touched later gets huge pages all the same.
  constexpr int collapse = 25;
  constexpr uintptr_t least = uintptr_t{4} << 20;
  std::FILE* maps = std::fopen("/proc/self/maps", "re");
  if (!maps) return;
  char line[512];
  while (std::fgets(line, sizeof line, maps)) {
    uintptr_t begin, end;
    unsigned long inode;
    char access[5], path[8] = "";
    const int fields = std::sscanf(line, "%lx-%lx %4s %*s %*s %lu %7s", &begin, &end, access, &inode, path);
    if (fields < 4 || std::strcmp(access, "rw-p") != 0 || inode != 0 || path[0] != '\0' || end - begin < least) continue;
    adviseHugePages(reinterpret_cast<void*>(begin), end - begin);
    const uintptr_t first = roundUp(begin, hugePage);
    madvise(reinterpret_cast<void*>(first), end / hugePage * hugePage - first, collapse);
  }
  std::fclose(maps);
}

WeightMemory::WeightMemory(size_t bytes, size_t count) {
  if (bytes == 0) return;
  // Each span may need padding; pages that nothing is read into are never made.
  size_ = roundUp(bytes + count * alignment, hugePage);
  void* mapped = mmap(nullptr, size_ + hugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) throw std::runtime_error("no memory for " + std::to_string(bytes) + " bytes of weights");
  // Cut to the huge pages inside, so that what is freed is what was asked for.
  const auto start = reinterpret_cast<uintptr_t>(mapped);
  const uintptr_t aligned = roundUp(start, hugePage);
  if (aligned > start) munmap(mapped, aligned - start);
  const uintptr_t tail = start + size_ + hugePage - (aligned + size_);
  if (tail > 0) munmap(reinterpret_cast<void*>(aligned + size_), tail);
  memory_ = reinterpret_cast<unsigned char*>(aligned);
  adviseHugePages(memory_, size_);
}

WeightMemory::~WeightMemory() {
  if (memory_) munmap(memory_, size_);
}

void* WeightMemory::read(const std::string& path, size_t offset, size_t length) {
  const auto known = spans_.find({path, offset, length});
  if (known != spans_.end()) return known->second;
  if (used_ + length > size_) throw std::runtime_error("the weights take more memory than they said");
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw std::runtime_error(path + " cannot be opened: " + std::strerror(errno));
  unsigned char* const to = memory_ + used_;
  size_t done = 0;
  while (done < length) {
    const ssize_t n = pread(file, to + done, length - done, static_cast<off_t>(offset + done));
    if (n > 0) {
      done += static_cast<size_t>(n);
    } else if (n == 0 || errno != EINTR) {
      const std::string reason = n == 0 ? "it ends too early" : std::strerror(errno);
      close(file);
      throw std::runtime_error(path + " cannot be read: " + reason);
    }
  }
  close(file);
  used_ += roundUp(length, alignment);
  spans_[{path, offset, length}] = to;
  return to;
}

}  // namespace haetae
