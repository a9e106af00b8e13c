/** The k best of a stream of (row, score), higher score first, lower row first among equals: a binary heap. */
export class TopK {
  private readonly rows: Uint32Array;
  private readonly scores: Float32Array;
  private size = 0;
  /** 0 until k are kept, then the score of the worst: a lower one is not worth offering. */
  threshold = 0;

  constructor(k: number) {
    this.rows = new Uint32Array(k);
    this.scores = new Float32Array(k);
  }

  offer(row: number, score: number): void {
    const { rows, scores } = this;
    const k = rows.length;
    if (this.size < k) {
      this.siftUp(this.size++, row, score);
      if (this.size === k) this.threshold = scores[0] as number;
      return;
    }
    // the root is the worst that is kept
    if (k === 0) return;
    const worst = scores[0] as number;
    if (score < worst || (score === worst && row > (rows[0] as number))) return;
    this.siftDown(row, score);
    this.threshold = scores[0] as number;
  }

  /** What was kept, best first; the heap is empty afterwards. */
  take(): { rows: Uint32Array; scores: Float32Array } {
    const { size } = this;
    const rows = new Uint32Array(size);
    const scores = new Float32Array(size);
    for (let i = size - 1; i >= 0; i -= 1) {
      rows[i] = this.rows[0] as number;
      scores[i] = this.scores[0] as number;
      this.size = i;
      if (i > 0) this.siftDown(this.rows[i] as number, this.scores[i] as number);
    }
    return { rows, scores };
  }

  /** True where entry i is a worse hit than (row, score). */
  private isWorse(i: number, row: number, score: number): boolean {
    const other = this.scores[i] as number;
    return other < score || (other === score && (this.rows[i] as number) > row);
  }

  private siftUp(start: number, row: number, score: number): void {
    const { rows, scores } = this;
    let at = start;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.isWorse(parent, row, score)) break;
      rows[at] = rows[parent] as number;
      scores[at] = scores[parent] as number;
      at = parent;
    }
    rows[at] = row;
    scores[at] = score;
  }

  private siftDown(row: number, score: number): void {
    const { rows, scores, size } = this;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      const right = child + 1;
      if (right < size && this.isWorse(right, rows[child] as number, scores[child] as number)) child = right;
      if (!this.isWorse(child, row, score)) break;
      rows[at] = rows[child] as number;
      scores[at] = scores[child] as number;
      at = child;
    }
    rows[at] = row;
    scores[at] = score;
  }
}
