/** Feature: `for…of` over build-time data and fixed arrays, unrolled; dispatch over declarations. */
import { u16, u32, u8 } from "../../../dsl/core/int.ts";
import { array, bool, struct, type ValueOf } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import type { Program } from "../../../dsl/core/program.ts";

const cells = storage("forOf.cells", array(struct("Cell", { value: u32 }), 5));
const bytes = storage("forOf.bytes", array(u8, 7));
const rows = Object.freeze([
  { code: 3, weights: [1, 2, 3], name: "a" },
  { code: 5, weights: [], name: "b" },
  { code: 9, weights: [10], name: "c" },
]);

function unrolled(code: u8, x: u8): u32 {
  let found: u32 = 0;
  for (const { code: own, weights, name } of rows) {
    if (code === own) continue;
    for (const w of weights) {
      if (w === x) break;
      found = u32(found * 3 + w);
    }
    if (name === "b" && x > 100) return 77;
  }
  return found;
}
function overArray(x: u32): u32 {
  let i: u32 = 0;
  for (const cell of cells) {
    cell.value = u32(cell.value + x + i);
    i += 1;
  }
  let all: u32 = 0;
  for (const { value } of cells) all = u32(all ^ value);
  return all;
}
function overBytes(x: u8): u32 {
  let all: u32 = 0;
  bytes[x % 7] = x;
  for (let b of bytes) {
    if (b === 3) b = 99;
    all = u32(all * 5 + b);
  }
  return all;
}
const State = struct("State", { a: u8, b: u8, writes: u32 });
type State = ValueOf<typeof State>;
const states = [storage("forOf.first", State), storage("forOf.second", State)] as const;

interface Port {
  readonly port: u16;
  readonly read?: (s: State) => u8;
  readonly write?: (s: State, value: u8) => void;
}
function make(state: State, ports: readonly Port[]) {
  return Object.freeze({
    read(port: u16): u8 {
      for (const p of ports) if (port === p.port && p.read !== undefined) return p.read(state);
      return 0xff;
    },
    write(port: u16, value: u8): void {
      for (const p of ports) {
        if (port !== p.port) continue;
        if (p.write !== undefined) p.write(state, value);
        return;
      }
      state.writes = u32(state.writes + 0x1000);
    },
  });
}
const a: Port = Object.freeze({
  port: 0x3f8,
  read: (s: State): u8 => s.a,
  write: (s: State, v: u8): void => {
    s.a = v;
    s.writes = u32(s.writes + 1);
  },
});
const devices = [
  make(states[0], [a, { port: 0x3f9, read: (s: State): u8 => u8(s.a + s.b) }]),
  make(states[1], [a, { port: 0x70, write: (s: State, v: u8): void => void (s.b = v) }].slice(0, 1)),
] as const;

function access(which: boolean, port: u16, value: u8): u32 {
  const near = 0x3f7 + (port & 3);
  if (which) {
    devices[0].write(near, value);
    return u32(devices[0].read(near) + states[0].writes * 256);
  }
  devices[1].write(near, value);
  return u32(devices[1].read(near) + states[1].writes * 256);
}

export const program: Program = {
  name: "for-of",
  entries: [
    { symbol: "unrolled", fn: unrolled, params: [u8, u8], result: u32 },
    { symbol: "overArray", fn: overArray, params: [u32], result: u32 },
    { symbol: "overBytes", fn: overBytes, params: [u8], result: u32 },
    { symbol: "access", fn: access, params: [bool, u16, u8], result: u32 },
  ],
};
