/** Feature: `switch` over constants, enums and ranges that it exhausts. */
import { i32, u32, u64, u8 } from "../../../dsl/core/int.ts";
import type { Program } from "../../../dsl/core/program.ts";

enum Mode {
  Off,
  Slow = 3,
  Fast = 7,
}
const captured = 12;

function plain(x: i32): i32 {
  switch (x) {
    case -3:
      return 1;
    case 0:
    case 7:
      return i32(x + 10);
    case captured: {
      const y = x * 2;
      return y;
    }
    default:
      return -1;
  }
}
function withoutDefault(x: u8): u8 {
  let r: u8 = 5;
  switch (x & 3) {
    case 1:
      r = 9;
      break;
    case 2:
      if (x > 100) break;
      r = 11;
  }
  return r;
}
function complete(x: u8): u8 {
  switch (x & 3) {
    case 0:
      return 4;
    case 1:
      return 3;
    case 2:
      return 2;
    case 3:
      return 1;
  }
  return 0;
}
function defaultInTheMiddle(x: u8): u8 {
  switch (x) {
    case 1:
      return 10;
    default:
      return 20;
    case 2:
      return 30;
  }
}
function enums(x: u8): Mode {
  switch (x) {
    case Mode.Slow:
      return Mode.Fast;
    case Mode.Fast:
      return Mode.Off;
    default:
      return Mode.Slow;
  }
}
function inLoop(n: u8): u32 {
  let total: u32 = 0;
  for (let i = 0; i < 20; i++) {
    switch (i % 5) {
      case 0:
        continue;
      case 1:
        if (i === n) break;
        total = u32(total + 1);
        break;
      case 2:
        if (i > n) return total;
        break;
      default:
        total = u32(total * 2);
    }
    total = u32(total + 3);
  }
  return total;
}
/** A case of one value knows it. */
function taught(x: u32): u8 {
  switch (x) {
    case 3:
      return u8.checked(x + 250);
    case 1000:
      return u8.checked(x - 999);
    default:
      return 7;
  }
}
function wide(x: u64): u8 {
  switch (x) {
    case 0n:
      return 1;
    case 0xffff_ffff_ffff_ffffn:
      return 2;
    case 0x8000_0000_0000_0000n:
      return 3;
    default:
      return 4;
  }
}

export const program: Program = {
  name: "switch",
  entries: [
    { symbol: "plain", fn: plain, params: [i32], result: i32 },
    { symbol: "withoutDefault", fn: withoutDefault, params: [u8], result: u8 },
    { symbol: "complete", fn: complete, params: [u8], result: u8 },
    { symbol: "defaultInTheMiddle", fn: defaultInTheMiddle, params: [u8], result: u8 },
    { symbol: "enums", fn: enums, params: [u8], result: u8 },
    { symbol: "inLoop", fn: inLoop, params: [u8], result: u32 },
    { symbol: "taught", fn: taught, params: [u32], result: u8 },
    { symbol: "wide", fn: wide, params: [u64], result: u8 },
  ],
};
