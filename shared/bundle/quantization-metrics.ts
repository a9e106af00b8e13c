/**
 * What `quantization-report.json` of a quantised folder measured, for the manifest of its bundle: how good the
 * integers are against the checkpoint. Figures that are absent or no numbers are left out.
 */
const places: Record<string, readonly string[]> = {
  studentBitsPerWeight: ['bitsPerWeight'],
  studentPerplexity: ['quality', 'perplexity', 'quantized'],
  /** Against the checkpoint in float32. */
  studentPerplexityRatio: ['quality', 'perplexity', 'ratio'],
  /** Share of questions on which both pick the same choice. */
  studentChoiceAgreement: ['quality', 'choices', 'agreement'],
};

export function quantizationMetrics(report: unknown): Record<string, number> {
  const metrics: Record<string, number> = {};
  for (const [name, path] of Object.entries(places)) {
    const value = path.reduce<unknown>(
      (inner, key) => (inner !== null && typeof inner === 'object' ? Reflect.get(inner, key) : undefined),
      report,
    );
    if (typeof value === 'number' && Number.isFinite(value)) metrics[name] = value;
  }
  return metrics;
}
