/** The way to a place in the code: the chain of frame pointers, with the functions' names in the source. */
import { addressOf, load32, load64, load8 } from "../../dsl/core/intrinsics.ts";
import { u32, u64 } from "../../dsl/core/int.ts";
import { struct } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";
import { imageBase } from "../asm.ts";
import { say, sayByte, sayHex } from "./console-text.ts";
import { hostSpace } from "./host-space.ts";
import { entryBits, lookUp } from "./paging.ts";

/**
 * The table of function names, which the linker fills: a count, the offset of the names, then `count + 1` pairs of
 * image-relative address and name offset, sorted, the last of which ends the last function.
 */
const names = storage("typevisor_names", struct("FunctionNames", { count: u32, blobOffset: u32 }), {
  constant: true,
});

const maxFrames = 32;
const maxNameBytes = 128;

/** Says the function that an address lies in; `isReturn` where it is a return address, which may lie behind it. */
export function sayPlace(address: u64, isReturn: boolean): void {
  say("  at ");
  const base = imageBase();
  const table = addressOf(names);
  const count = load32(table);
  const place = u64(address - base - (isReturn ? 1n : 0n));
  let low = 0;
  let high = count;
  for (let step = 0; step < 32; step++) {
    if (low >= high) break;
    const middle = (low + high) >>> 1;
    if (place < BigInt(load32(pairAt(table, middle)))) high = middle;
    else low = u32(middle + 1);
  }
  // `low` is the number of functions that begin at or before the place.
  const isKnown = address >= base && low > 0 && place < BigInt(load32(pairAt(table, count)));
  if (isKnown) {
    const pair = pairAt(table, u32(low - 1));
    sayName(u64(table + BigInt(load32(u64(table + 4n))) + BigInt(load32(u64(pair + 4n)))));
    say(" +");
    sayHex(u64(address - base - BigInt(load32(pair))), 4);
  } else {
    say("unknown code");
  }
  say(" (");
  sayHex(address, 16);
  say(")\n");
}

function pairAt(table: u64, index: u32): u64 {
  return u64(table + 8n + BigInt(index) * 8n);
}

function sayName(address: u64): void {
  for (let i = 0; i < maxNameBytes; i++) {
    const byte = load8(u64(address + BigInt(i)));
    if (byte === 0) return;
    sayByte(byte);
  }
}

/** Says the callers that a chain of frame pointers leads to, as far as it is sound. */
export function sayBacktrace(framePointer: u64): void {
  let frame: u64 = framePointer;
  for (let i = 0; i < maxFrames; i++) {
    if (!isReadable(frame)) return;
    const caller = load64(u64(frame + 8n));
    if (caller === 0n) return;
    sayPlace(caller, true);
    const next = load64(frame);
    // A stack grows downwards: a chain that does not go up is broken.
    if (next <= frame) return;
    frame = next;
  }
}

/** Whether an address can be executed. */
export function isCode(address: u64): boolean {
  const { entry } = lookUp(hostSpace, address);
  return entry !== 0n && (entry & entryBits.noExecute) === 0n;
}

/** Whether two words can be read at an address. */
export function isReadable(address: u64): boolean {
  if ((address & 7n) !== 0n || address === 0n || address >> 47n !== 0n) return false;
  if (hostSpace.root === 0n) return false;
  return lookUp(hostSpace, address).entry !== 0n && lookUp(hostSpace, u64(address + 8n)).entry !== 0n;
}
