// What the processor can do. Everything below is compiled for it by function attributes and chosen at run time.
#pragma once

#define HAETAE_AVX512 __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")))
#define HAETAE_VNNI __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))
#define HAETAE_AMX \
  __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,amx-tile,amx-int8")))
#define HAETAE_AMX_BF16 \
  __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,amx-tile,amx-bf16")))

namespace haetae {

/// AVX-512 with VNNI.
bool hasVnni();
/// AMX with 8-bit integers, and the kernel's leave to use the tiles (asked for once).
bool hasAmx();
/// AMX with bfloat16, AVX-512 conversions to it, and that leave.
bool hasAmxBf16();

}  // namespace haetae
