/**
 * Payloads that are sealed in the image: the build adds them to the linked file as a section of its own, which begins
 * with a count and a table of `{ offset: u64, bytes: u64 }` by payload index, offsets from the section's start.
 */
import { load64 } from "../../dsl/core/intrinsics.ts";
import { u32, u64 } from "../../dsl/core/int.ts";
import { sectionAt } from "./image-sections.ts";

/** ".payload" as the section table has it. */
const sectionName = 0x6461_6f6c_7961_702en;
const entryBytes = 16n;

/** Where a sealed payload lies; both 0 where the image has none of that index. */
export function sealedPayload(base: u64, index: u32): { address: u64; bytes: u64 } {
  const section = sectionAt(base, sectionName);
  if (section.bytes === 0n || BigInt(index) >= load64(section.address)) return { address: 0n, bytes: 0n };
  const entry = u64(section.address + 8n + BigInt(index) * entryBytes);
  const offset = load64(entry);
  const bytes = load64(u64(entry + 8n));
  if (offset > section.bytes || bytes > u64(section.bytes - offset)) return { address: 0n, bytes: 0n };
  return { address: u64(section.address + offset), bytes };
}
