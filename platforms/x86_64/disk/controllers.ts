/** The disk controllers of one kind that a machine has: found while the firmware still lives, so that their registers are mapped. */
import { array, struct, type FixedArray } from "../../../dsl/core/layout.ts";
import { u32, u64 } from "../../../dsl/core/int.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { mapDevice, type AddressSpace } from "../paging.ts";
import { messageTable } from "../message-interrupt.ts";
import { eachPci, memoryBehind } from "../pci.ts";

export const FoundController = struct("FoundController", { registers: u64, at: u32, spare: u32 });

/** Controllers of one kind. */
export interface Controllers {
  readonly count: () => u32;
  readonly list: FixedArray<{ registers: u64; at: u32 }>;
  /** Finds them and maps their registers. False: the pool of page tables is empty. */
  map(space: AddressSpace): boolean;
}

/** What tells controllers of a kind. */
export interface ControllerKind {
  readonly name: string;
  readonly classCode: number;
  /** The base address that its registers lie behind, and bytes of them. */
  readonly bar: number;
  readonly bytes: bigint;
  /** Most that are driven; what is more is left alone. */
  readonly most: number;
}

/** Makes the list of the controllers of a kind. */
export function controllers({ name, classCode, bar, bytes, most }: ControllerKind): Controllers {
  const state = storage(`${name}Controllers`, struct("ControllerCount", { count: u32 }));
  const list = storage(`${name}Found`, array(FoundController, most));
  const note = (at: u32): void => {
    const count = state.count;
    const registers = memoryBehind(at, bar);
    if (count >= most || registers === 0n) return;
    list[count].registers = registers;
    list[count].at = at;
    state.count = u32(count + 1);
  };
  return Object.freeze({
    count: (): u32 => state.count,
    list,
    map(space: AddressSpace): boolean {
      state.count = 0;
      eachPci(classCode, note);
      for (let i = 0; i < most; i++) {
        if (i >= state.count) break;
        if (!mapDevice(space, list[i].registers, bytes)) return false;
        const table = messageTable(list[i].at);
        if (table !== 0n && !mapDevice(space, table, 16n)) return false;
      }
      return true;
    },
  });
}
