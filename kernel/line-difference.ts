/** How two texts of lines differ, told to the operator: the lines that only one of them has. */
import { u32, u64 } from "../dsl/core/int.ts";
import { load8, text, type Text } from "../dsl/core/intrinsics.ts";
import { putBytes, putText } from "./console.ts";

/** Lines of each text that are told. */
const mostLines = 16;

/** Length of the line at an address, without its end; at most `limit`. */
const lineLength = (address: u64, limit: u32): u32 => {
  for (let i = 0; i < limit; i++) if (load8(u64(address + BigInt(i))) === 0x0a) return i;
  return limit;
};
const isLine = (one: u64, other: u64, length: u32): boolean => {
  for (let i = 0; i <= length; i++)
    if (load8(u64(one + BigInt(i))) !== load8(u64(other + BigInt(i)))) return false;
  return true;
};
const hasLine = (lines: u64, bytes: u32, line: u64, length: u32): boolean => {
  let at: u32 = 0;
  while (at < bytes) {
    const own = lineLength(u64(lines + BigInt(at)), u32(bytes - at));
    if (own === length && isLine(u64(lines + BigInt(at)), line, length)) return true;
    at = u32(at + own + 1);
  }
  return false;
};
/** Tells the lines of one text that the other has not. */
const tellMissing = (
  lines: u64,
  bytes: u32,
  others: u64,
  otherBytes: u32,
  prefix: { readonly address: u64; readonly length: u32 },
): void => {
  let at: u32 = 0;
  let told = 0;
  while (at < bytes) {
    const line = u64(lines + BigInt(at));
    const length = lineLength(line, u32(bytes - at));
    if (!hasLine(others, otherBytes, line, length)) {
      if (told === mostLines) {
        putText(text("  and more\n"));
        return;
      }
      told = told + 1;
      putText(prefix);
      putBytes(line, length);
      putText(text("\n"));
    }
    at = u32(at + length + 1);
  }
};

/** Tells what differs between a layout that was saved and this image's. */
export function tellDifference(saved: Text, here: Text): void {
  tellMissing(saved.address, saved.length, here.address, here.length, text("  saved: "));
  tellMissing(here.address, here.length, saved.address, saved.length, text("  here: "));
}
