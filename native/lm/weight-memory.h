// Memory for weights, in huge pages where the system gives them. A token reads every weight once, in order: with
// 4 KiB pages the processor stops fetching ahead at the end of each, and measured 0.75 of the speed.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <tuple>

namespace haetae {

/// Asks for huge pages for the whole pages of a region that was not touched yet. No error where there are none.
void adviseHugePages(void* start, size_t bytes);

/// The same for all large anonymous memory of the process, and turns what is in use into huge pages.
void adviseHeap();

class WeightMemory {
 public:
  /// Room for `bytes` in so many weights.
  WeightMemory(size_t bytes, size_t count);
  ~WeightMemory();
  WeightMemory(const WeightMemory&) = delete;
  WeightMemory& operator=(const WeightMemory&) = delete;

  /// Reads a span of a file, or gives the address it was read to before: two initializers may be one weight (a tied
  /// head). Addresses are valid as long as this object, and 64-byte aligned.
  /// @throws std::runtime_error where it cannot be read, or there is no room
  void* read(const std::string& path, size_t offset, size_t length);

 private:
  unsigned char* memory_ = nullptr;
  size_t size_ = 0;
  size_t used_ = 0;
  std::map<std::tuple<std::string, size_t, size_t>, void*> spans_;
};

}  // namespace haetae
