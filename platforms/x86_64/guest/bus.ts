/** Where a guest's accesses to ports and device memory go: dispatch that the build makes from the manifest's windows. */
import type { u16, u32, u64, u8 } from "../../../dsl/core/int.ts";

/** The devices of all guests; `vcpu` is the accessing vCPU's dense index. Widths are in bytes. */
export interface Bus {
  /** Reads 1, 2 or 4 bytes; ones where no device is. */
  portIn(vcpu: u32, port: u16, width: u8): u32;
  portOut(vcpu: u32, port: u16, width: u8, value: u32): void;
  /** Reads 1, 2, 4 or 8 bytes; ones where no device is. */
  memoryRead(vcpu: u32, gpa: u64, width: u8): u64;
  memoryWrite(vcpu: u32, gpa: u64, width: u8, value: u64): void;
  /** Whether accesses have changed something that other devices have to be told. */
  hasQueued(): boolean;
  /** Tells them; called once in an exit, after its accesses. */
  deliver(): void;
}
