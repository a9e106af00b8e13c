#include "training-ops.h"

#include <cmath>
#include <map>

#include "causal-attention-ops.h"
#include "divergence.h"
#include "embedding-grad.h"
#include "gated-silu.h"
#include "rms-norm.h"
#include "softmax-cross-entropy.h"
#include "training-operator.h"

namespace haetae {
namespace {

/// RmsNorm (x [T, D], weight [D]) → y [T, D], inverse root mean square [T, 1]. Attribute epsilon.
struct RmsNormOp : Operator<RmsNormOp> {
  using Operator::Operator;
  static constexpr const char* name = "RmsNorm";
  static constexpr size_t outputCount = 2;
  static constexpr Input inputs[] = {{float32}, {float32}};

  struct Kernel {
    Settings settings;
    float epsilon;

    Kernel(Settings given, const OrtKernelInfo* info) : settings(given), epsilon(number(info, "epsilon")) {}

    void compute(OrtKernelContext* context) const {
      const Tensor x = input(context, 0), weight = input(context, 1);
      requireRank(name, "x", x, 2);
      const int64_t rows = x.shape[0], width = x.shape[1];
      requireShape(name, "weight", weight, {width});
      float* y = output(context, 0, x.shape);
      float* inverse = output(context, 1, {rows, 1});
      if (rows == 0) return;
      rmsNorm(x.data<float>(), weight.data<float>(), rows, width, epsilon, y, inverse, settings.threads,
              parallelForOf(context));
    }
  };
};

/// RmsNormGrad (dy, x [T, D], weight [D], inverse [T, 1]) → dx [T, D], dWeight [D].
struct RmsNormGradOp : InPlaceOperator<RmsNormGradOp, 0, 0> {
  using InPlaceOperator::InPlaceOperator;
  static constexpr const char* name = "RmsNormGrad";
  static constexpr size_t outputCount = 2;
  static constexpr Input inputs[] = {{float32}, {float32}, {float32}, {float32}};

  struct Kernel {
    Kernel(Settings, const OrtKernelInfo*) {}

    void compute(OrtKernelContext* context) const {
      const Tensor dy = input(context, 0), x = input(context, 1), weight = input(context, 2);
      const Tensor inverse = input(context, 3);
      requireRank(name, "x", x, 2);
      const int64_t rows = x.shape[0], width = x.shape[1];
      requireShape(name, "dy", dy, x.shape);
      requireShape(name, "weight", weight, {width});
      requireShape(name, "inv_rms", inverse, {rows, 1});
      float* dx = output(context, 0, x.shape);
      float* dWeight = output(context, 1, {width});
      rmsNormGrad(dy.data<float>(), x.data<float>(), weight.data<float>(), inverse.data<float>(), rows, width, dx,
                  dWeight, parallelForOf(context));
    }
  };
};

/// GatedSilu (gateUp [T, 2F]) → silu(gate) · up [T, F].
struct GatedSiluOp : Operator<GatedSiluOp> {
  using Operator::Operator;
  static constexpr const char* name = "GatedSilu";
  static constexpr size_t outputCount = 1;
  static constexpr Input inputs[] = {{float32}};

  struct Kernel {
    Settings settings;

    Kernel(Settings given, const OrtKernelInfo*) : settings(given) {}

    void compute(OrtKernelContext* context) const {
      const Tensor gateUp = input(context, 0);
      requireRank(name, "gateUp", gateUp, 2);
      require(gateUp.shape[1] % 2 == 0,
              "GatedSilu: gateUp has to be [tokens, 2 · features], got " + shapeText(gateUp));
      const int64_t rows = gateUp.shape[0], features = gateUp.shape[1] / 2;
      float* y = output(context, 0, {rows, features});
      if (rows > 0)
        gatedSilu(gateUp.data<float>(), rows, features, y, settings.threads, parallelForOf(context));
    }
  };
};

/// GatedSiluGrad (dy [T, F], gateUp [T, 2F]) → dGateUp [T, 2F].
struct GatedSiluGradOp : InPlaceOperator<GatedSiluGradOp, 1, 0> {
  using InPlaceOperator::InPlaceOperator;
  static constexpr const char* name = "GatedSiluGrad";
  static constexpr size_t outputCount = 1;
  static constexpr Input inputs[] = {{float32}, {float32}};

  struct Kernel {
    Settings settings;

    Kernel(Settings given, const OrtKernelInfo*) : settings(given) {}

    void compute(OrtKernelContext* context) const {
      const Tensor dy = input(context, 0), gateUp = input(context, 1);
      requireRank(name, "dy", dy, 2);
      const int64_t rows = dy.shape[0], features = dy.shape[1];
      requireShape(name, "gateUp", gateUp, {rows, 2 * features});
      float* dGateUp = output(context, 0, gateUp.shape);
      if (rows > 0)
        gatedSiluGrad(dy.data<float>(), gateUp.data<float>(), rows, features, dGateUp, settings.threads,
                      parallelForOf(context));
    }
  };
};

/// SoftmaxCrossEntropy (logits [C, V], labels int64 [C], weights [C, 1]) → loss [C, 1], dLogits [C, V].
struct SoftmaxCrossEntropyOp : InPlaceOperator<SoftmaxCrossEntropyOp, 0, 1> {
  using InPlaceOperator::InPlaceOperator;
  static constexpr const char* name = "SoftmaxCrossEntropy";
  static constexpr size_t outputCount = 2;
  static constexpr Input inputs[] = {{float32}, {int64}, {float32}};

  struct Kernel {
    Settings settings;

    Kernel(Settings given, const OrtKernelInfo*) : settings(given) {}

    void compute(OrtKernelContext* context) const {
      const Tensor logits = input(context, 0), labels = input(context, 1), weights = input(context, 2);
      requireRank(name, "logits", logits, 2);
      const int64_t rows = logits.shape[0], vocabulary = logits.shape[1];
      requireShape(name, "labels", labels, {rows});
      requireShape(name, "weights", weights, {rows, 1});
      const int64_t* label = labels.data<int64_t>();
      const float* weight = weights.data<float>();
      for (int64_t i = 0; i < rows; i++)
        require(weight[i] == 0 || (label[i] >= 0 && label[i] < vocabulary),
                "SoftmaxCrossEntropy: label " + std::to_string(i) + " has to be 0 … " +
                    std::to_string(vocabulary - 1) + ", got " + std::to_string(label[i]));
      float* loss = output(context, 0, {rows, 1});
      float* dLogits = output(context, 1, logits.shape);
      if (rows > 0)
        softmaxCrossEntropy(logits.data<float>(), label, weight, rows, vocabulary, loss, dLogits, settings.threads,
                            parallelForOf(context));
    }
  };
};

/// Divergence (student logits, teacher logits or log-probabilities [C, V], weights, alpha [C, 1]) → loss [C, 1],
/// dLogits [C, V] of the student. Attributes kind and detached (default 0).
struct DivergenceOp : InPlaceOperator<DivergenceOp, 0, 1> {
  using InPlaceOperator::InPlaceOperator;
  static constexpr const char* name = "Divergence";
  static constexpr size_t outputCount = 2;
  static constexpr Input inputs[] = {{float32}, {float32}, {float32}, {float32}};

  struct Kernel {
    Settings settings;
    DivergenceKind kind;
    bool detached;

    Kernel(Settings given, const OrtKernelInfo* info)
        : settings(given), kind(kindOf(text(info, "kind"))), detached(integer(info, "detached", 0) != 0) {
      require(!detached || kind == DivergenceKind::skewReverseKl,
              "Divergence: only the mixture of skew_reverse_kl can be detached");
    }

    static DivergenceKind kindOf(const std::string& word) {
      static const std::map<std::string, DivergenceKind> kinds{{"forward_kl", DivergenceKind::forwardKl},
                                                               {"reverse_kl", DivergenceKind::reverseKl},
                                                               {"generalised_jsd", DivergenceKind::generalisedJsd},
                                                               {"skew_forward_kl", DivergenceKind::skewForwardKl},
                                                               {"skew_reverse_kl", DivergenceKind::skewReverseKl}};
      const auto found = kinds.find(word);
      require(found != kinds.end(),
              "Divergence: kind is forward_kl, reverse_kl, generalised_jsd, skew_forward_kl or skew_reverse_kl, got \"" +
                  word + "\"");
      return found->second;
    }

    bool mixes() const { return kind != DivergenceKind::forwardKl && kind != DivergenceKind::reverseKl; }

    void compute(OrtKernelContext* context) const {
      const Tensor student = input(context, 0), teacher = input(context, 1);
      const Tensor weights = input(context, 2), alpha = input(context, 3);
      requireRank(name, "the student's logits", student, 2);
      requireShape(name, "the teacher's logits", teacher, student.shape);
      const int64_t rows = student.shape[0], vocabulary = student.shape[1];
      requireShape(name, "weights", weights, {rows, 1});
      requireShape(name, "alpha", alpha, {rows, 1});
      const haetae::Divergence d{kind,
                                 detached,
                                 rows,
                                 vocabulary,
                                 student.data<float>(),
                                 teacher.data<float>(),
                                 weights.data<float>(),
                                 alpha.data<float>()};
      for (int64_t i = 0; mixes() && i < rows; i++)
        require(d.weights[i] == 0 || (d.alpha[i] >= 0 && d.alpha[i] <= 1),
                "Divergence: alpha " + std::to_string(i) + " has to be 0 … 1, got " + std::to_string(d.alpha[i]));
      float* loss = output(context, 0, {rows, 1});
      float* dLogits = output(context, 1, student.shape);
      if (rows > 0) divergence(d, loss, dLogits, settings.threads, parallelForOf(context));
    }
  };
};

/// EmbeddingGrad (ids int64 [T], d [T, D], base [V, D]) → base + d added to the rows of ids [V, D].
struct EmbeddingGradOp : InPlaceOperator<EmbeddingGradOp, 2, 0> {
  using InPlaceOperator::InPlaceOperator;
  static constexpr const char* name = "EmbeddingGrad";
  static constexpr size_t outputCount = 1;
  static constexpr Input inputs[] = {{int64}, {float32}, {float32}};

  struct Kernel {
    Settings settings;

    Kernel(Settings given, const OrtKernelInfo*) : settings(given) {}

    void compute(OrtKernelContext* context) const {
      const Tensor ids = input(context, 0), d = input(context, 1), base = input(context, 2);
      requireRank(name, "ids", ids, 1);
      requireRank(name, "base", base, 2);
      const int64_t tokens = ids.shape[0], vocabulary = base.shape[0], width = base.shape[1];
      requireShape(name, "d", d, {tokens, width});
      const int64_t* id = ids.data<int64_t>();
      for (int64_t t = 0; t < tokens; t++)
        require(id[t] >= 0 && id[t] < vocabulary,
                "EmbeddingGrad: id " + std::to_string(t) + " has to be 0 … " + std::to_string(vocabulary - 1) +
                    ", got " + std::to_string(id[t]));
      float* out = output(context, 0, base.shape);
      if (vocabulary > 0)
        embeddingGrad(id, d.data<float>(), base.data<float>(), tokens, vocabulary, width, out, settings.threads,
                      parallelForOf(context));
    }
  };
};

}  // namespace

std::vector<std::shared_ptr<CustomOp>> trainingOps(const Settings& settings) {
  std::vector<std::shared_ptr<CustomOp>> ops = causalAttentionOps(settings);
  ops.push_back(std::make_shared<RmsNormOp>(settings));
  ops.push_back(std::make_shared<RmsNormGradOp>(settings));
  ops.push_back(std::make_shared<GatedSiluOp>(settings));
  ops.push_back(std::make_shared<GatedSiluGradOp>(settings));
  ops.push_back(std::make_shared<SoftmaxCrossEntropyOp>(settings));
  ops.push_back(std::make_shared<DivergenceOp>(settings));
  ops.push_back(std::make_shared<EmbeddingGradOp>(settings));
  return ops;
}

}  // namespace haetae
