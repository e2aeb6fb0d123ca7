/** What differs between the bare machine and the host targets. */
export interface Target {
  readonly name: "efi" | "wasm" | "linux";
  readonly triple: string;
  readonly dataLayout: string;
  /** Pointer width in bits; pointers in memory always take 8 bytes. */
  readonly pointerBits: 32 | 64;
  /** LLVM function attributes of every function. */
  readonly attributes: readonly string[];
  /** What every assembly site may change besides what it says: the flags of an x86 (LLVM Language Reference, "Inline Assembler Expressions"). */
  readonly siteClobbers: readonly string[];
  /** Flags for both `opt` and `llc`. */
  readonly toolFlags: readonly string[];
  /** What `opt` is told about size against speed. */
  readonly sizeFlags: readonly string[];
}

/** Nobody who writes an assembly site needs to think of the flags. */
const x86SiteClobbers = Object.freeze(["~{dirflag}", "~{fpsr}", "~{flags}"]);

/**
 * A UEFI application: no red zone (interrupts use the same stack), no vector registers (they hold a guest's state).
 * Address 0 is memory like any other. All is optimised for size, which leaves out alignment and copies of code: the exit path
 * has fewer instructions so, too. Functions that call keep a frame pointer, so that a chain of `rbp` gives
 * backtraces; leaves do not (docs/decisions/frame-pointers.md).
 */
export const efiTarget: Target = {
  name: "efi",
  triple: "x86_64-unknown-windows",
  dataLayout: "e-m:w-p270:32:32-p271:32:32-p272:64:64-i64:64-f80:128-n8:16:32:64-S128",
  pointerBits: 64,
  attributes: [
    "noredzone",
    "nounwind",
    "null_pointer_is_valid",
    "optsize",
    '"no-stack-arg-probe"',
    '"no-jump-tables"="true"',
    '"frame-pointer"="non-leaf"',
    '"target-cpu"="x86-64"',
    '"target-features"="-mmx,-sse,-sse2,+soft-float"',
  ],
  siteClobbers: x86SiteClobbers,
  toolFlags: ["-mattr=-mmx,-sse,-sse2,+soft-float"],
  // Unrolled dispatch calls the same functions from many places: at LLVM's own thresholds each is copied into most.
  sizeFlags: ["-inline-threshold=25", "-unroll-threshold=30"],
};

/** WebAssembly on the build machine, where language tests run. */
export const wasmTarget: Target = {
  name: "wasm",
  triple: "wasm32-unknown-unknown",
  dataLayout: "e-m:e-p:32:32-p10:8:8-p20:8:8-i64:64-n32:64-S128-ni:1:10:20",
  pointerBits: 32,
  attributes: [
    "nounwind",
    "null_pointer_is_valid",
    '"no-jump-tables"="true"',
    '"target-features"="+bulk-memory,+mutable-globals"',
  ],
  siteClobbers: [],
  toolFlags: ["-mattr=+bulk-memory,+mutable-globals"],
  sizeFlags: [],
};

/** A program on the build machine's own Linux, under AddressSanitizer: what the fuzzer drives. */
export const linuxTarget: Target = {
  name: "linux",
  triple: "x86_64-pc-linux-gnu",
  dataLayout: "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-f80:128-n8:16:32:64-S128",
  pointerBits: 64,
  // Branches stay branches, so that each is an edge of its own to the fuzzer.
  attributes: [
    "nounwind",
    "sanitize_address",
    "optforfuzzing",
    '"frame-pointer"="non-leaf"',
    '"target-cpu"="x86-64"',
  ],
  siteClobbers: x86SiteClobbers,
  toolFlags: [],
  sizeFlags: [],
};
