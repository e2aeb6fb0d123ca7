/**
 * What the kernel needs from a vendor's virtualisation: build a domain's translations, put a guest into its memory and
 * registers, and run a vCPU. SVM and VMX each provide it.
 */
import { binding } from "../dsl/core/binding.ts";
import type { u32, u64 } from "../dsl/core/int.ts";
import type { FixedArray } from "../dsl/core/layout.ts";
import type { BootInfo } from "./boot.ts";
import type { Domain } from "./domain.ts";
import type { SavedPart } from "./saved-part.ts";
import type { Vcpu } from "./vcpu.ts";

/** What became of a load: a `BootProblem`, and the payload or the bytes that it is about. */
export interface Loaded {
  readonly problem: u32;
  readonly detail: u64;
}

export interface Virtualization {
  /** Switches virtualisation on on this CPU. */
  enableCpu(): void;
  /** The vCPU with a dense index; its storage is the vendor's. */
  vcpu(index: u32): Vcpu;
  /** Builds the nested translation from the domain's slots; false where the pool of tables is exhausted. */
  buildTranslation(domain: Domain): boolean;
  /** Whether the domain's payloads can be loaded, without changing anything. */
  check(domain: u32, boot: BootInfo): Loaded;
  /** Puts the domain's payloads and tables into its memory, and its vCPUs into the state in which they start. */
  load(domain: Domain, boot: BootInfo): Loaded;
  /**
   * Runs a vCPU on this CPU until the kernel's loop has something to do. Called and left with interrupts off and with
   * the kernel's lock, which is free while the guest runs. The vCPU's requests are handled before each entry.
   */
  run(vcpu: Vcpu): void;
  /** Maps the page of a domain at `gpa` as its slots say now, on all its vCPUs; false where the pool of tables is exhausted. */
  remapPage(domain: Domain, gpa: u64): boolean;
  /** Pages that are left for tables of nested translations, of those that the image has. */
  freeTables(): u32;
  /** Lets a vCPU that runs rest until an interrupt comes; with interrupts off it goes on. */
  idle(vcpu: u32): void;
  /** The instruction by which a guest calls the hypervisor, and a near return behind it: bytes, the first lowest. */
  hypercallInstruction(): u32;
  /** Whether something waits that a halted vCPU wakes up for. */
  wakes(vcpu: Vcpu): boolean;

  /** What a save keeps of a guest's vCPUs. Build time. */
  savedParts(guest: number): readonly SavedPart[];
  /** Puts what this CPU holds of a vCPU into those parts. */
  keep(): void;
  /** Makes a domain's vCPUs as after RESET: before a start, and before what was saved is put into them. */
  reset(domain: Domain): void;
  /** Lets a domain go on with slots and vCPUs that were put back as they were saved; its clock must run. */
  resume(domain: Domain): void;
  /** Lets the counters of a domain's vCPUs follow its clock, which was held and runs again. */
  followClock(domain: Domain): void;
  /** The names of what `dumpRegisters` gives of a vCPU that is on no CPU. Build time. */
  readonly registerNames: readonly string[];
  dumpRegisters(vcpu: u32, values: FixedArray<u64>): void;
  /** The return addresses on the stack of a vCPU that is on no CPU, the innermost first; how many there are. */
  dumpFrames(vcpu: u32, frames: FixedArray<u64>): u32;
  /** What exits are counted by, where there is an operator. Build time. */
  readonly exitKinds: readonly string[];
  /** Exits of a kind that a vCPU has taken. */
  exitsOf(vcpu: u32, kind: u32): u64;
  /** A number that is equal on two machines where guests see the same processor. */
  identity(): u64;
}

/** The virtualisation of this image. */
export const virtualization = binding<Virtualization>("virtualization");
