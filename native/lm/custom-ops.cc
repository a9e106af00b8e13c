#include "custom-ops.h"

#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "add-rms-norm.h"
#include "attention.h"
#include "gemm-op.h"
#include "operator.h"
#include "swiglu.h"
#include "training-ops.h"

namespace haetae {

namespace {

/// MatMulNBits (x, qweight, scales, zero_points?, g_idx?, bias?): inputs and attributes of com.microsoft's.
/// Symmetric weights only: zero points and g_idx have to be absent.
struct MatMulOp : Operator<MatMulOp> {
  using Operator::Operator;
  static constexpr const char* name = "MatMulNBits";
  static constexpr size_t outputCount = 1;
  static constexpr Input inputs[] = {{float32}, {uint8}, {float32}, {uint8, true}, {int32, true}, {float32, true}};

  struct Kernel {
    Settings settings;
    int64_t k, n, bits, block;

    Kernel(Settings given, const OrtKernelInfo* info)
        : settings(given),
          k(integer(info, "K")),
          n(integer(info, "N")),
          bits(integer(info, "bits")),
          block(integer(info, "block_size")) {
      const int64_t blocks = block / 32;
      require((bits == 4 || bits == 8) && block % 32 == 0 && blocks > 0 && (blocks & (blocks - 1)) == 0 &&
                  blocks <= 16 && k % block == 0,
              "MatMulNBits: 4 or 8 bits in blocks of 32 to 512 that divide K, got bits " + std::to_string(bits) +
                  ", block " + std::to_string(block) + ", K " + std::to_string(k));
    }

    void compute(OrtKernelContext* context) const {
      const Tensor x = input(context, 0), q = input(context, 1), scales = input(context, 2);
      const Tensor bias = input(context, 5);
      require(!input(context, 3).value && !input(context, 4).value,
              "MatMulNBits: zero points and g_idx are not supported here");
      require(!x.shape.empty() && x.shape.back() == k,
              "MatMulNBits: the last dimension of x is not K = " + std::to_string(k));
      require(q.elements() == n * k * bits / 8 && scales.elements() == n * k / block &&
                  (!bias.value || bias.elements() == n),
              "MatMulNBits: weights do not have the shape that N, K, bits and block_size give");
      std::vector<int64_t> shape = x.shape;
      shape.back() = n;
      float* out = output(context, 0, shape);
      const int64_t m = rowsOf(x.shape);
      if (m == 0) return;
      const IntMatrix w{q.data<uint8_t>(), scales.data<float>(), n, k, static_cast<int>(bits), static_cast<int>(block)};
      intMatMul(settings.kernel, x.data<float>(), m, w, bias.data<float>(), out, settings.threads,
                parallelForOf(context));
    }
  };
};

/// SwiGLU (gateUp [.., 2F]) → silu(gate) · up [.., F].
struct SwigluOp : Operator<SwigluOp> {
  using Operator::Operator;
  static constexpr const char* name = "SwiGLU";
  static constexpr size_t outputCount = 1;
  static constexpr Input inputs[] = {{float32}};

  struct Kernel {
    Settings settings;

    Kernel(Settings given, const OrtKernelInfo*) : settings(given) {}

    void compute(OrtKernelContext* context) const {
      const Tensor x = input(context, 0);
      require(!x.shape.empty() && x.shape.back() % 2 == 0, "SwiGLU: the last dimension has to be even");
      std::vector<int64_t> shape = x.shape;
      shape.back() /= 2;
      float* out = output(context, 0, shape);
      swiglu(x.data<float>(), rowsOf(x.shape), shape.back(), out, settings.threads, parallelForOf(context));
    }
  };
};

/// AddRmsNorm (x, addend, weight) → normed, x + addend; both as x. Attribute epsilon.
struct AddRmsNormOp : Operator<AddRmsNormOp> {
  using Operator::Operator;
  static constexpr const char* name = "AddRmsNorm";
  static constexpr size_t outputCount = 2;
  static constexpr Input inputs[] = {{float32}, {float32}, {float32}};

  struct Kernel {
    Settings settings;
    float epsilon;

    Kernel(Settings given, const OrtKernelInfo* info) : settings(given), epsilon(number(info, "epsilon")) {}

    void compute(OrtKernelContext* context) const {
      const Tensor x = input(context, 0), addend = input(context, 1), weight = input(context, 2);
      require(!x.shape.empty() && x.shape == addend.shape && weight.elements() == x.shape.back(),
              "AddRmsNorm: x and addend have one shape, weight its last dimension");
      float* out = output(context, 0, x.shape);
      float* sum = output(context, 1, x.shape);
      addRmsNorm(x.data<float>(), addend.data<float>(), weight.data<float>(), rowsOf(x.shape), x.shape.back(), epsilon,
                 out, sum, settings.threads, parallelForOf(context));
    }
  };
};

/// CachedAttention (qkv, keys, values, slots, past, fresh, visible_from, cos, sin, q_norm?, k_norm?): see
/// attention.h. `keys` and `values` are inputs of the graph and are written to.
struct AttentionOp : Operator<AttentionOp> {
  using Operator::Operator;
  static constexpr const char* name = "CachedAttention";
  static constexpr size_t outputCount = 1;
  static constexpr Input inputs[] = {{float32}, {float32}, {float32}, {int32},         {int32},        {int32},
                                     {int32},   {float32}, {float32}, {float32, true}, {float32, true}};

  struct Kernel {
    Settings settings;
    int64_t heads, kvHeads, window;
    float scale, epsilon;

    Kernel(Settings given, const OrtKernelInfo* info)
        : settings(given),
          heads(integer(info, "num_heads")),
          kvHeads(integer(info, "kv_num_heads")),
          window(integer(info, "local_window_size")),
          scale(number(info, "scale")),
          epsilon(number(info, "epsilon")) {
      require(kvHeads > 0 && heads > 0 && heads % kvHeads == 0,
              "CachedAttention: num_heads has to be a multiple of kv_num_heads");
    }

    void compute(OrtKernelContext* context) const {
      const Tensor qkv = input(context, 0), keys = input(context, 1), values = input(context, 2);
      const Tensor slots = input(context, 3), past = input(context, 4), fresh = input(context, 5);
      const Tensor visibleFrom = input(context, 6), cosines = input(context, 7), sines = input(context, 8);
      const Tensor qNorm = input(context, 9), kNorm = input(context, 10);
      require(qkv.shape.size() == 3 && keys.shape.size() == 4 && keys.shape == values.shape,
              "CachedAttention: qkv [rows, tokens, width], keys and values [slots, heads, positions, head size]");
      Attention a{};
      a.rows = qkv.shape[0];
      a.tokens = qkv.shape[1];
      a.heads = heads;
      a.kvHeads = kvHeads;
      a.headDim = keys.shape[3];
      a.capacity = keys.shape[2];
      a.window = window;
      a.positions = cosines.shape.empty() ? 0 : cosines.shape[0];
      a.scale = scale;
      a.epsilon = epsilon;
      require(a.headDim > 0 && a.headDim % 16 == 0, "CachedAttention: the head size has to be a multiple of 16");
      require(keys.shape[1] == kvHeads && qkv.shape[2] == (heads + 2 * kvHeads) * a.headDim,
              "CachedAttention: the width of qkv does not fit the heads");
      require(cosines.elements() == a.positions * a.headDim / 2 && sines.elements() == cosines.elements(),
              "CachedAttention: cos and sin are [positions, head size / 2]");
      require((!qNorm.value || qNorm.elements() == a.headDim) && (!kNorm.value || kNorm.elements() == a.headDim),
              "CachedAttention: norms have the size of a head");
      require(slots.elements() == a.rows && past.elements() == a.rows && fresh.elements() == a.rows &&
                  visibleFrom.elements() == a.rows * a.tokens,
              "CachedAttention: slots, past and fresh are [rows], visible_from is [rows, tokens]");
      a.qkv = qkv.data<float>();
      a.keys = const_cast<float*>(keys.data<float>());
      a.values = const_cast<float*>(values.data<float>());
      a.slots = slots.data<int32_t>();
      a.past = past.data<int32_t>();
      a.fresh = fresh.data<int32_t>();
      a.visibleFrom = visibleFrom.data<int32_t>();
      a.cosines = cosines.data<float>();
      a.sines = sines.data<float>();
      a.qNorm = qNorm.data<float>();
      a.kNorm = kNorm.data<float>();
      for (int64_t r = 0; r < a.rows; r++) {
        require(a.slots[r] >= 0 && a.slots[r] < keys.shape[0] && a.past[r] >= 0 && a.fresh[r] >= 1 &&
                    a.fresh[r] <= a.tokens && int64_t{a.past[r]} + a.fresh[r] <= a.capacity,
                "CachedAttention: row " + std::to_string(r) + " does not fit its slot");
        for (int64_t i = 0; i < a.fresh[r]; i++) {
          const int32_t from = a.visibleFrom[r * a.tokens + i];
          require(from >= 0 && from <= i && a.past[r] + i - from < a.positions,
                  "CachedAttention: token " + std::to_string(i) + " of row " + std::to_string(r) +
                      " lies outside the positions of the model");
        }
      }
      a.out = output(context, 0, {a.rows, a.tokens, heads * a.headDim});
      attend(a, settings.threads, parallelForOf(context));
    }
  };
};

struct Domain {
  std::vector<std::shared_ptr<CustomOp>> operators;
  OrtDomain* handle = nullptr;

  explicit Domain(Settings settings) : operators(trainingOps(settings)) {
    operators.push_back(gemmOp(settings));
    operators.push_back(std::make_shared<MatMulOp>(settings));
    operators.push_back(std::make_shared<SwigluOp>(settings));
    operators.push_back(std::make_shared<AddRmsNormOp>(settings));
    operators.push_back(std::make_shared<AttentionOp>(settings));
    Api::call<CreateCustomOpDomain>("haetae", &handle);
    for (const auto& op : operators) Api::call<CustomOpDomainAdd>(handle, static_cast<const CustomOp*>(op.get()));
  }
};

}  // namespace

void addCustomOps(OrtSessionOptions* options, Kernel kernel, int threads) {
  static std::mutex gate;
  static std::map<std::pair<Kernel, int>, std::unique_ptr<Domain>> domains;
  const std::lock_guard<std::mutex> lock(gate);
  auto& domain = domains[{kernel, threads}];
  if (!domain) domain = std::make_unique<Domain>(Settings{kernel, threads});
  Api::call<AddCustomOpDomain>(options, domain->handle);
}

}  // namespace haetae
