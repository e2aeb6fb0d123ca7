/** Feature: static text: read-only bytes, in UTF-8, that equal texts share. */
import { u32, u64, u8 } from "../../../dsl/core/int.ts";
import { load8, text } from "../../../dsl/core/intrinsics.ts";
import { bool } from "../../../dsl/core/layout.ts";
import type { Program } from "../../../dsl/core/program.ts";

const greeting = text("hello");

function bytes(i: u8): u32 {
  const t = text("grüße");
  return u32(t.length * 256 + (i < t.length ? load8(u64(t.address + BigInt(i))) : 0));
}
function captured(i: u8): u32 {
  return i < greeting.length ? load8(u64(greeting.address + BigInt(i))) : greeting.length * 1000;
}
function shared(): boolean {
  return text("hello").address === greeting.address && text("").length === 0;
}

export const program: Program = {
  name: "text",
  entries: [
    { symbol: "bytes", fn: bytes, params: [u8], result: u32 },
    { symbol: "captured", fn: captured, params: [u8], result: u32 },
    { symbol: "shared", fn: shared, params: [], result: bool },
  ],
};
