import { i32, u16, u32, u64, u8 } from "../../../dsl/core/int.ts";
import { array, extend, make, ref, struct, type ValueOf } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { assert, idiv, text, trap, AtomicU32, mulHigh, unlikely } from "../../../dsl/core/intrinsics.ts";
import type { Program } from "../../../dsl/core/program.ts";
import { binding, provide } from "../../../dsl/core/binding.ts";

const Pair = struct("Pair", { a: u8, b: u16, c: u64, next: ref(() => Pair0), data: array(u8, 16), flag: AtomicU32 });
type Pair = ValueOf<typeof Pair>;
const Pair0: never = Pair as never;
const Rich = extend(struct("Rich", { raw: u32, other: u8 }), {
  methods: { bump: (self: { raw: u32 }, by: u32): u32 => { self.raw = u32(self.raw + by); return self.raw; } },
  properties: { low: { get: (self: { raw: u32 }): u8 => u8(self.raw), set: (self: { raw: u32 }, v: u8): void => { self.raw = u32((self.raw & 0xffffff00) | v); } } },
});
const rich = storage("rich", Rich);
const pairs = storage("pairs", array(Pair, 4));
pairs[1]!.a = 77;
const table = [3, 1, 4, 1, 5, 9, 2, 6] as const;

function add(a: u32, b: u32): u32 { return u32(a + b); }
function sum(n: u8): u32 {
  let total: u32 = 0;
  for (let i = 0; i < n; i++) total = u32(total + i);
  return total;
}
function lookup(i: u32): u8 { return table[i & 7]!; }
function stored(i: u32, v: u8): u32 {
  const p = pairs[i & 3]!;
  p.a = v;
  p.data[v & 15] = v;
  p.c = u64(p.c + BigInt(v));
  p.flag.or(5);
  return u32(Number(p.c & 0xffn) + p.data[v & 15]! + p.flag.load());
}
const ops = [ { code: 1, run: (x: u32): u32 => u32(x + 1) }, { code: 2, run: (x: u32): u32 => u32(x * 2) }, { code: 5, run: (x: u32): u32 => x & 0xf } ];
function dispatch(code: u32, x: u32): u32 {
  for (const op of ops) if (code === op.code) return op.run(x);
  return 0xdead;
}
interface Svc { twice(x: u32): u32 }
const svc = binding<Svc>("svc");
provide(svc, { twice: (x) => u32(x * 2) });
function big(a: u64, b: u64): u64 { return u64(mulHigh(a, b) + u64(a * b) + u64((a * b) >> 64n)); }
function pick(x: i32): u32 {
  switch (x) {
    case 1: case 2: return 10;
    case -3: return 20;
    default: break;
  }
  if (x < 0 && x > -10) return u32(-x);
  return svc.twice(x < 0 ? 1 : u32(x));
}
function minmax(x: u32): { lo: u32; hi: u32 } { return x > 100 ? { lo: 100, hi: x } : { lo: x, hi: 100 }; }
function rec(x: u32): u32 { const { lo, hi } = minmax(x); return u32(hi - lo); }
function richly(x: u32): u32 { rich.bump(x); rich.low = u8(x >>> 8); return u32(rich.raw + rich.low); }
function bounds(i: u32): u8 { return pairs[0]!.data[i]!; }
function loops(n: u32): u32 {
  let i = 0; let acc: u32 = 1; 
  while (true) { if (i >= 10) break; i++; if ((i & 1) === 0) continue; acc = u32(acc * 3 + n); }
  outer: for (let a = 0; a < 5; a++) { for (let b = 0; b < 5; b++) { if (a * b === 6) break outer; acc = u32(acc + a * b); } }
  return acc;
}
function txt(): u32 { const t = text("hello"); return t.length; }
function checks(x: u32): u8 { assert(x < 300, "x is small"); return u8.checked(x); }
function div(a: u32, b: u32): u32 { if (b === 0) trap("zero"); return unlikely(a === 7) ? 1 : idiv(a, b); }

const d = (symbol: string, fn: never, params: never[], result: never) => ({ symbol, fn, params, result });
export const program: Program = { name: "first", entries: [
  d("add", add as never, [u32, u32] as never, u32 as never), d("sum", sum as never, [u8] as never, u32 as never),
  d("lookup", lookup as never, [u32] as never, u8 as never), d("stored", stored as never, [u32, u8] as never, u32 as never),
  d("dispatch", dispatch as never, [u32, u32] as never, u32 as never), d("big", big as never, [u64, u64] as never, u64 as never),
  d("pick", pick as never, [i32] as never, u32 as never), d("rec", rec as never, [u32] as never, u32 as never),
  d("richly", richly as never, [u32] as never, u32 as never), d("bounds", bounds as never, [u32] as never, u8 as never),
  d("loops", loops as never, [u32] as never, u32 as never), d("txt", txt as never, [] as never, u32 as never),
  d("checks", checks as never, [u32] as never, u8 as never), d("div", div as never, [u32, u32] as never, u32 as never),
] };
void make;
