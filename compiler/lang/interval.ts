/** Intervals of integers: what the compiler knows of a value. Both ends belong to it; empty intervals do not exist. */
export interface Interval {
  readonly lo: bigint;
  readonly hi: bigint;
  /** 0 lies between the ends but is none of the values. */
  readonly nonZero?: true;
}

export const interval = (lo: bigint, hi: bigint): Interval => ({ lo, hi });
export const point = (value: bigint): Interval => ({ lo: value, hi: value });

const min = (...v: bigint[]): bigint => v.reduce((a, b) => (b < a ? b : a));
const max = (...v: bigint[]): bigint => v.reduce((a, b) => (b > a ? b : a));

export const unsigned = (bits: number): Interval => ({ lo: 0n, hi: (1n << BigInt(bits)) - 1n });
export const signed = (bits: number): Interval => ({
  lo: -(1n << BigInt(bits - 1)),
  hi: (1n << BigInt(bits - 1)) - 1n,
});
/** What a JavaScript number holds exactly. */
export const safeNumber: Interval = { lo: -(2n ** 53n) + 1n, hi: 2n ** 53n - 1n };
export const i32Range = signed(32);
export const u32Range = unsigned(32);
export const i64Range = signed(64);
export const u64Range = unsigned(64);
export const i128Range = signed(128);

/** Whether 0 is not among the values. */
export const excludesZero = (a: Interval): boolean => a.nonZero === true || a.lo > 0n || a.hi < 0n;
/** The interval without 0; undefined where nothing else is in it. */
export function withoutZero({ lo, hi }: Interval): Interval | undefined {
  if (lo === 0n) return hi === 0n ? undefined : { lo: 1n, hi };
  if (hi === 0n) return { lo, hi: -1n };
  return lo < 0n && hi > 0n ? { lo, hi, nonZero: true } : { lo, hi };
}
export const contains = (outer: Interval, inner: Interval): boolean =>
  outer.lo <= inner.lo && inner.hi <= outer.hi && (outer.nonZero !== true || excludesZero(inner));
export const equal = (a: Interval, b: Interval): boolean =>
  a.lo === b.lo && a.hi === b.hi && a.nonZero === b.nonZero;
export const isPoint = (a: Interval): boolean => a.lo === a.hi;
export function join(a: Interval, b: Interval): Interval {
  const joined = { lo: min(a.lo, b.lo), hi: max(a.hi, b.hi) };
  return excludesZero(a) && excludesZero(b) ? withoutZero(joined)! : joined;
}
/** The common part; undefined where there is none, so that the path cannot be taken. */
export function meet(a: Interval, b: Interval): Interval | undefined {
  const lo = max(a.lo, b.lo);
  const hi = min(a.hi, b.hi);
  if (lo > hi) return undefined;
  return a.nonZero === true || b.nonZero === true ? withoutZero({ lo, hi }) : { lo, hi };
}

export const add = (a: Interval, b: Interval): Interval => ({ lo: a.lo + b.lo, hi: a.hi + b.hi });
export const sub = (a: Interval, b: Interval): Interval => ({ lo: a.lo - b.hi, hi: a.hi - b.lo });
export const negate = (a: Interval): Interval => ({ lo: -a.hi, hi: -a.lo });
export const complement = (a: Interval): Interval => ({ lo: ~a.hi, hi: ~a.lo });
export function mul(a: Interval, b: Interval): Interval {
  const products = [a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi];
  return { lo: min(...products), hi: max(...products) };
}
/** Truncating division; the divisor does not hold 0. */
export function div(a: Interval, b: Interval): Interval {
  const quotients = [a.lo / b.lo, a.lo / b.hi, a.hi / b.lo, a.hi / b.hi];
  if (a.lo < 0n && a.hi > 0n) quotients.push(0n);
  // Between the ends lie the divisors that change nothing but the sign.
  if (b.lo < 0n && b.hi > 0n) quotients.push(a.lo, -a.lo, a.hi, -a.hi);
  return { lo: min(...quotients), hi: max(...quotients) };
}
/** Remainder with the dividend's sign; the divisor does not hold 0. */
export function rem(a: Interval, b: Interval): Interval {
  const largest = max(b.lo < 0n ? -b.lo : b.lo, b.hi < 0n ? -b.hi : b.hi) - 1n;
  if (a.lo >= 0n && a.hi <= largest && b.lo > 0n && a.hi < b.lo) return a;
  return { lo: a.lo < 0n ? max(-largest, a.lo) : 0n, hi: a.hi > 0n ? min(largest, a.hi) : 0n };
}

/** Number of bits that hold a non-negative value. */
function bitLength(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length;
}
const ones = (bits: number): bigint => (1n << BigInt(bits)) - 1n;
/** The least signed width in which both intervals fit, as an interval. */
function signedHull(a: Interval, b: Interval): Interval {
  const bits = max(...[a.lo, a.hi, b.lo, b.hi].map((v) => BigInt(bitLength(v < 0n ? ~v : v))));
  return { lo: -(1n << bits), hi: (1n << bits) - 1n };
}

export function and(a: Interval, b: Interval): Interval {
  if (a.lo >= 0n && b.lo >= 0n)
    return isPoint(a) && isPoint(b) ? point(a.lo & b.lo) : { lo: 0n, hi: min(a.hi, b.hi) };
  if (a.lo >= 0n) return { lo: 0n, hi: a.hi };
  if (b.lo >= 0n) return { lo: 0n, hi: b.hi };
  return signedHull(a, b);
}
export function or(a: Interval, b: Interval): Interval {
  if (a.lo >= 0n && b.lo >= 0n)
    return { lo: max(a.lo, b.lo), hi: ones(Math.max(bitLength(a.hi), bitLength(b.hi))) };
  return signedHull(a, b);
}
export function xor(a: Interval, b: Interval): Interval {
  if (a.lo >= 0n && b.lo >= 0n) return { lo: 0n, hi: ones(Math.max(bitLength(a.hi), bitLength(b.hi))) };
  return signedHull(a, b);
}
/** Counts are non-negative. */
export function shl(a: Interval, count: Interval): Interval {
  return { lo: min(a.lo << count.lo, a.lo << count.hi), hi: max(a.hi << count.lo, a.hi << count.hi) };
}
export function shr(a: Interval, count: Interval): Interval {
  return { lo: min(a.lo >> count.lo, a.lo >> count.hi), hi: max(a.hi >> count.lo, a.hi >> count.hi) };
}

/** `[lo, hi]`, with powers of two written as such. */
export function show(a: Interval): string {
  const one = (v: bigint): string => {
    const abs = v < 0n ? -v : v;
    for (const [delta, suffix] of [
      [0n, ""],
      [1n, " - 1"],
    ] as const) {
      const power = abs + delta;
      if (power >= 1n << 16n && (power & (power - 1n)) === 0n) {
        const text = `2^${bitLength(power) - 1}${suffix}`;
        return v < 0n ? (delta === 0n ? `-${text}` : `-(${text})`) : text;
      }
    }
    return v.toString();
  };
  return `[${one(a.lo)}, ${one(a.hi)}]`;
}
