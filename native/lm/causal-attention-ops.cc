#include "causal-attention-ops.h"

#include "causal-attention.h"
#include "training-operator.h"

namespace haetae {
namespace {

/// Attributes of both directions, and the check of what both take.
struct AttentionNode {
  Settings settings;
  std::string name;
  int64_t heads, kvHeads, headDim, window;
  float scale;

  AttentionNode(Settings given, const OrtKernelInfo* info, const char* op)
      : settings(given),
        name(op),
        heads(integer(info, "num_heads")),
        kvHeads(integer(info, "kv_num_heads")),
        headDim(integer(info, "head_dim", 0)),
        window(integer(info, "local_window_size", 0)),
        scale(number(info, "scale")) {
    require(heads > 0 && kvHeads > 0 && heads <= 1 << 16 && heads % kvHeads == 0,
            name + ": num_heads has to be a multiple of kv_num_heads, got " + std::to_string(heads) + " and " +
                std::to_string(kvHeads));
    require(headDim >= 0 && headDim % 16 == 0 && headDim <= 1 << 16,
            name + ": head_dim has to be a multiple of 16, got " + std::to_string(headDim));
  }

  CausalAttention describe(const Tensor& qkv, const Tensor& cosines, const Tensor& sines,
                           const Tensor& visibleFrom) const {
    require(qkv.shape.size() == 2 && visibleFrom.shape.size() == 2,
            name + ": qkv is [tokens, width] and visible_from [rows, length], got " + shapeText(qkv) + " and " +
                shapeText(visibleFrom));
    CausalAttention a{};
    a.rows = visibleFrom.shape[0];
    a.length = visibleFrom.shape[1];
    a.heads = heads;
    a.kvHeads = kvHeads;
    a.headDim = headDim > 0 ? headDim : qkv.shape[1] / (heads + 2 * kvHeads);
    a.window = window;
    a.scale = scale;
    require(a.headDim > 0 && a.headDim % 16 == 0 && qkv.shape[1] == a.width(),
            name + ": the width of qkv has to be (num_heads + 2 · kv_num_heads) · head_dim, head_dim a multiple of " +
                "16; got " + std::to_string(qkv.shape[1]) + " for " + std::to_string(heads) + " + 2 · " +
                std::to_string(kvHeads) + " heads" + (headDim > 0 ? " of " + std::to_string(headDim) : ""));
    require(qkv.shape[0] == a.rows * a.length,
            name + ": qkv has " + std::to_string(qkv.shape[0]) + " tokens, visible_from " + shapeText(visibleFrom));
    require(cosines.shape.size() == 2 && cosines.shape == sines.shape && cosines.shape[1] == a.headDim / 2 &&
                cosines.shape[0] >= a.length,
            name + ": cos and sin are [positions, " + std::to_string(a.headDim / 2) + "] with at least " +
                std::to_string(a.length) + " positions, got " + shapeText(cosines) + " and " + shapeText(sines));
    a.qkv = qkv.data<float>();
    a.cosines = cosines.data<float>();
    a.sines = sines.data<float>();
    a.visibleFrom = visibleFrom.data<int32_t>();
    for (int64_t t = 0; t < a.rows * a.length; t++)
      require(a.visibleFrom[t] >= 0 && a.visibleFrom[t] <= t % a.length,
              name + ": visible_from of token " + std::to_string(t % a.length) + " of row " +
                  std::to_string(t / a.length) + " has to be 0 … its index, got " + std::to_string(a.visibleFrom[t]));
    return a;
  }
};

/// CausalAttention (qkv [T, (H + 2·KV)·d], cos, sin [P, d/2], visible_from int32 [rows, length]) → out [T, H·d],
/// lse [rows, H, length]. Attributes num_heads, kv_num_heads, scale, head_dim (default: from the width),
/// local_window_size (default: none).
struct CausalAttentionOp : Operator<CausalAttentionOp> {
  using Operator::Operator;
  static constexpr const char* name = "CausalAttention";
  static constexpr size_t outputCount = 2;
  static constexpr Input inputs[] = {{float32}, {float32}, {float32}, {int32}};

  struct Kernel {
    AttentionNode node;

    Kernel(Settings settings, const OrtKernelInfo* info) : node(settings, info, name) {}

    void compute(OrtKernelContext* context) const {
      const Tensor qkv = input(context, 0), cosines = input(context, 1), sines = input(context, 2);
      const CausalAttention a = node.describe(qkv, cosines, sines, input(context, 3));
      float* out = output(context, 0, {a.rows * a.length, a.heads * a.headDim});
      float* lse = output(context, 1, {a.rows, a.heads, a.length});
      if (a.rows * a.length > 0) attendCausally(a, out, lse, node.settings.threads, parallelForOf(context));
    }
  };
};

/// CausalAttentionGrad (dOut, qkv, out, lse, cos, sin, visible_from) → dQkv; attributes as above.
struct CausalAttentionGradOp : InPlaceOperator<CausalAttentionGradOp, 1, 0> {
  using InPlaceOperator::InPlaceOperator;
  static constexpr const char* name = "CausalAttentionGrad";
  static constexpr size_t outputCount = 1;
  static constexpr Input inputs[] = {{float32}, {float32}, {float32}, {float32}, {float32}, {float32}, {int32}};

  struct Kernel {
    AttentionNode node;

    Kernel(Settings settings, const OrtKernelInfo* info) : node(settings, info, name) {}

    void compute(OrtKernelContext* context) const {
      const Tensor dOut = input(context, 0), qkv = input(context, 1), out = input(context, 2), lse = input(context, 3);
      const Tensor cosines = input(context, 4), sines = input(context, 5);
      const CausalAttention a = node.describe(qkv, cosines, sines, input(context, 6));
      requireShape(name, "dOut", dOut, {a.rows * a.length, a.heads * a.headDim});
      requireShape(name, "out", out, {a.rows * a.length, a.heads * a.headDim});
      requireShape(name, "lse", lse, {a.rows, a.heads, a.length});
      float* dQkv = output(context, 0, qkv.shape);
      if (a.rows * a.length > 0)
        attendCausallyGrad(a, dOut.data<float>(), out.data<float>(), lse.data<float>(), dQkv, parallelForOf(context));
    }
  };
};

}  // namespace

std::vector<std::shared_ptr<CustomOp>> causalAttentionOps(const Settings& settings) {
  return {std::make_shared<CausalAttentionOp>(settings), std::make_shared<CausalAttentionGradOp>(settings)};
}

}  // namespace haetae
