#include "cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace haetae {

#if defined(__x86_64__)

bool hasVnni() {
  static const bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                          __builtin_cpu_supports("avx512vnni");
  return has;
}

namespace {

// CPUID leaf 7, EDX.
constexpr unsigned amxBf16 = 1u << 22, amxTile = 1u << 24, amxInt8 = 1u << 25;

bool hasTilesFor(unsigned products) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  if ((d & amxTile) == 0 || (d & products) == 0) return false;
  // arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA): Linux gives tile state to processes that ask for it.
  return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}

}  // namespace

bool hasAmx() {
  static const bool has = hasVnni() && hasTilesFor(amxInt8);
  return has;
}

bool hasAmxBf16() {
  static const bool has = hasVnni() && __builtin_cpu_supports("avx512bf16") && hasTilesFor(amxBf16);
  return has;
}

#else

bool hasVnni() { return false; }
bool hasAmx() { return false; }
bool hasAmxBf16() { return false; }

#endif

}  // namespace haetae
