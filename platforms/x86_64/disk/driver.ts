/** A driver of disks as the host side takes it: what it maps before the firmware goes, and what the kernel gets of it. */
import type { BlockDriverMaker } from "../../../kernel/block-store.ts";
import type { AddressSpace } from "../paging.ts";

export interface DiskDriver {
  /** Finds its controllers and maps their registers. False: the pool of page tables is empty. */
  map(space: AddressSpace): boolean;
  /** Makes the kernel's side of it. */
  readonly make: BlockDriverMaker;
}
