/** What samplers of one vocabulary write into, so that drawing a token allocates nothing. */

/** Probabilities below 2⁻³² of the largest, summed over the vocabulary, are below what the generator resolves. */
const resolutionNats = 32 * Math.LN2;
/** Of the histogram of probability mass. */
export const binsPerNat = 32;

/** Work space for one vocabulary; samplers that take turns may share it. */
export class SamplerScratch {
  readonly ids: Int32Array;
  readonly weights: Float64Array;
  readonly values: Float32Array;
  /** Probability mass by distance from the largest logit. */
  readonly bins: Float64Array;
  /** Distance, in nats of the tempered distribution, from which on tokens are not looked at. */
  readonly reach: number;

  constructor(vocabSize: number) {
    this.ids = new Int32Array(vocabSize);
    this.weights = new Float64Array(vocabSize);
    this.values = new Float32Array(vocabSize);
    this.reach = Math.log(vocabSize) + resolutionNats;
    this.bins = new Float64Array(Math.ceil(this.reach * binsPerNat) + 2);
  }
}
