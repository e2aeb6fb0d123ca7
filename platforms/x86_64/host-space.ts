/** The address space that the hypervisor runs in once the firmware is gone. */
import { storage } from "../../dsl/core/storage.ts";
import { AddressSpace } from "./paging.ts";

/** The one host space; `root` is 0 until it has been built. */
export const hostSpace = storage("hostSpace", AddressSpace);
