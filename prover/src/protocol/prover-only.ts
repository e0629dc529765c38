/**
 * @module prover-only
 * A value that exists in the prover role alone. Scripts hand it to the functions that compute messages; whoever reads it in another
 * role gets an error, not `undefined`.
 */
export class ProverOnly<T> {
  private constructor(private readonly held: { value: T } | undefined) {}

  static of<T>(value: T): ProverOnly<T> {
    return new ProverOnly({ value });
  }
  static none<T>(): ProverOnly<T> {
    return new ProverOnly<T>(undefined);
  }

  get present(): boolean {
    return this.held !== undefined;
  }
  /** @throws outside of the prover role */
  get value(): T {
    if (!this.held) throw new Error('protocol: only the prover role has this value');
    return this.held.value;
  }
  map<U>(f: (value: T) => U): ProverOnly<U> {
    return this.held ? ProverOnly.of(f(this.held.value)) : ProverOnly.none();
  }
  /** Runs `f` in the prover role. */
  async each(f: (value: T) => void | Promise<void>): Promise<void> {
    if (this.held) await f(this.held.value);
  }
}
