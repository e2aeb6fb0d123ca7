/** Two pages that lie side by side in the guest's linear addresses: memory, and a device. */
import { store64 } from "../../../../dsl/core/intrinsics.ts";
import { u64 } from "../../../../dsl/core/int.ts";
import { readCr3, writeCr3 } from "../../instructions.ts";
import { freshGpa, tablesGpa } from "../place.ts";

/** Linear addresses above the identity map. */
export const window = 0x1_4000_0000n;
export const directoryPointers = u64(BigInt(tablesGpa) + 0x1000n);
export const directory = BigInt(freshGpa);
export const table = u64(directory + 0x1000n);
export const memoryPage = u64(directory + 0x2000n);
export const present = 3n;
export const largePage = 0x80n;

/** Maps pages at `window`, the first two 4 KiB ones. */
export function mapSideBySide(first: u64, second: u64): void {
  store64(table, u64(first | present));
  store64(u64(table + 8n), u64(second | present));
  store64(directory, u64(table | present));
  store64(u64(directoryPointers + 8n * 5n), u64(directory | present));
  writeCr3(readCr3());
}
