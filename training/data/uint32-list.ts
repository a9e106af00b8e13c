/** A list of whole numbers 0..2^32−1 that grows: four bytes each, where a JavaScript array takes eight and more. */
export class Uint32List {
  #values = new Uint32Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Uint32Array(this.#values.length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
  }

  at(index: number): number {
    if (index >= this.#length) throw new RangeError(`there is no number ${index} of ${this.#length}`);
    return this.#values[index]!;
  }

  /** Adds to a number of the list; returns what it is then. */
  increment(index: number, by = 1): number {
    this.#values[index] = this.at(index) + by;
    return this.#values[index]!;
  }

  /** A view of the numbers so far. */
  view(): Uint32Array {
    return this.#values.subarray(0, this.#length);
  }
}
