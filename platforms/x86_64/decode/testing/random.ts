/** Repeatable pseudo-random numbers for tests. */

/** A generator: each call gives a whole number from 0 up to, not including, `below`. */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    // xorshift32 (Marsaglia, Journal of Statistical Software 8:14); the state is never 0 for a seed that is not.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
