#include "gemm-op.h"

#include "gemm.h"

namespace haetae {
namespace {

std::string shapeText(const std::vector<int64_t>& shape) {
  std::string words;
  for (const int64_t size : shape) words += (words.empty() ? "" : ", ") + std::to_string(size);
  return "[" + words + "]";
}

struct GemmOp : Operator<GemmOp> {
  static constexpr const char* name = "Gemm";
  static constexpr size_t outputCount = 1;
  static constexpr Input inputs[] = {{float32}, {float32}, {float32, true}};

  explicit GemmOp(const Settings& settings) : Operator(settings) {
    version = 18;
    // Y may take the place of C where nothing else reads C.
    getMayInplace = [](int** from, int** to) -> size_t {
      *from = new int(2);
      *to = new int(0);
      return 1;
    };
    releaseMayInplace = [](int* from, int* to) {
      delete from;
      delete to;
    };
  }

  struct Kernel {
    int threads;
    bool transA, transB;
    float alpha;
    int64_t precision;

    Kernel(const Settings& settings, const OrtKernelInfo* info)
        : threads(settings.threads),
          transA(integer(info, "transA", 0) != 0),
          transB(integer(info, "transB", 0) != 0),
          alpha(number(info, "alpha", 1.0f)),
          precision(integer(info, "precision", 0)) {
      require(precision == 0 || precision == 1 || precision == 3,
              "Gemm: precision is 0 (float32), 1 (bfloat16) or 3 (three products of bfloat16), got " +
                  std::to_string(precision));
      require(hasGemmPrecision(precision), "Gemm: precision " + std::to_string(precision) +
                                               " needs a processor with amx_bf16, which this one lacks; use 0");
    }

    void compute(OrtKernelContext* context) const {
      const Tensor a = input(context, 0), b = input(context, 1), c = input(context, 2);
      require(a.shape.size() == 2 && b.shape.size() == 2,
              "Gemm: A and B have two dimensions, got " + shapeText(a.shape) + " and " + shapeText(b.shape));
      Gemm g{};
      g.m = a.shape[transA ? 1 : 0];
      g.k = a.shape[transA ? 0 : 1];
      g.n = b.shape[transB ? 0 : 1];
      require(b.shape[transB ? 1 : 0] == g.k,
              "Gemm: A " + shapeText(a.shape) + (transA ? " turned" : "") + " does not fit B " + shapeText(b.shape) +
                  (transB ? " turned" : ""));
      const std::vector<int64_t> shape{g.m, g.n};
      require(!c.value || c.shape == shape, "Gemm: C is " + shapeText(shape) + ", got " + shapeText(c.shape));
      g.a = a.data<float>();
      g.b = b.data<float>();
      g.c = c.data<float>();
      g.transA = transA;
      g.transB = transB;
      g.alpha = alpha;
      g.y = output(context, 0, shape);
      gemm(precision, g, threads, parallelForOf(context));
    }
  };
};

}  // namespace

std::shared_ptr<CustomOp> gemmOp(const Settings& settings) { return std::make_shared<GemmOp>(settings); }

}  // namespace haetae
