/** Control registers and model-specific registers: reserved bits, values that cannot be, numbers that are not there. */
import { u32, u64 } from "../../../../dsl/core/int.ts";
import { readCr0, readCr3, readCr4, readMsr } from "../../instructions.ts";
import { passedThrough } from "../../svm/msr.ts";
import { msrRows } from "../../svm/msr-rows.ts";
import type { LocalApics } from "../../guest/local-apic.ts";
import { tryCr0, tryCr3, tryCr4, tryReadMsr, trySetXcr, tryWriteMsr, trying } from "../attempts.ts";
import { random } from "../random.ts";
import { StopReason } from "../../../../kernel/domain.ts";
import { attack, counted, ends, goesOn, refused, type Attack } from "./attack.ts";

const vectorGp = 13;
const general = 14n;
const efer = 0xc000_0080;
const apicBase = 0x1b;
const paging = 1n << 31n;
const protection = 1n;

/** How many of the bits from `first` to `last`, and not in `but`, are refused when they are flipped. */
const flips = (
  first: number,
  last: number,
  but: readonly number[],
  flip: (bit: u64) => u64,
): { readonly act: () => u64; readonly count: number } => {
  const bits = Object.freeze(
    Array.from({ length: last - first + 1 }, (_, i) => first + i)
      .filter((bit) => !but.includes(bit))
      .map((bit) => 1n << BigInt(bit)),
  );
  const count = bits.length;
  return {
    count,
    act: (): u64 => {
      let refusals: u64 = 0n;
      for (let i = 0; i < count; i++) if (flip(bits[i]) === general) refusals = u64(refusals + 1n);
      return refusals;
    },
  };
};

const reserved = (
  name: string,
  register: string,
  { count, act }: { readonly act: () => u64; readonly count: number },
): Attack => attack(name, `flips every reserved bit of ${register}`, counted(count, "times #GP"), act);

/** The three ranges of the permission map, and the one of synthetic registers. */
const ranges = Object.freeze(
  [
    [0, 0x1fff],
    [0x4000_0000, 0x4000_01ff],
    [0xc000_0000, 0xc000_1fff],
    [0xc001_0000, 0xc001_1fff],
  ].map(([from, to]) => Object.freeze({ from: from!, to: to! })),
);
/** Registers that a guest reads whose local APIC is in xAPIC mode: the others are read by `readChecked`. */
const readable = msrRows({ apics: {} as LocalApics, counter: () => 0n })
  .filter((row) => row.read !== null)
  .reduce((sum, row) => sum + row.register.count, Object.keys(passedThrough).length);

function readEvery(): u64 {
  let answered: u64 = 0n;
  for (const r of ranges)
    for (let msr: u32 = r.from; msr <= r.to; msr = u32(msr + 1))
      if (tryReadMsr(msr) === 0n) answered = u64(answered + 1n);
  return answered;
}

/** Any exception but #GP is another answer. */
function writeEvery(): u64 {
  let others: u64 = 0n;
  for (const r of ranges) {
    for (let msr: u32 = r.from; msr <= r.to; msr = u32(msr + 1)) {
      // These would end what follows: EFER has its own attack, and so has the local APIC's base.
      if (msr !== efer && msr !== apicBase) {
        const got = tryWriteMsr(msr, u64((BigInt(random()) << 32n) | BigInt(random())));
        if (got !== 0n && got !== general) others = u64(others + 1n);
      }
    }
  }
  return others;
}

function readAnywhere(): u64 {
  let others: u64 = 0n;
  for (let i = 0; i < 10_000; i++) {
    // Outside of the ranges, where nothing is.
    if (tryReadMsr(u32(random() | 0x2000_0000)) !== general) others = u64(others + 1n);
  }
  return others;
}

const retireCr8 = trying("movq %rsi, %cr8");

export const registerAttacks: readonly Attack[] = [
  reserved(
    "cr0-reserved",
    "CR0",
    flips(32, 63, [], (bit) => {
      const cr0 = readCr0();
      return tryCr0(u64(cr0 ^ bit), cr0);
    }),
  ),
  reserved(
    "cr4-reserved",
    "CR4",
    flips(24, 63, [], (bit) => {
      const cr4 = readCr4();
      return tryCr4(u64(cr4 ^ bit), cr4);
    }),
  ),
  reserved(
    "efer-reserved",
    "EFER, SVME among them",
    flips(0, 63, [0, 8, 10, 11], (bit) => tryWriteMsr(efer, u64(readMsr(efer) ^ bit))),
  ),
  attack("cr0-paging-without-protection", "turns paging on without protection", refused(vectorGp), () => {
    const cr0 = readCr0();
    return tryCr0(u64((cr0 | paging) & ~protection), cr0);
  }),
  attack("cr0-leave-long-mode", "turns paging off in 64-bit code", refused(vectorGp), () => {
    const cr0 = readCr0();
    return tryCr0(u64(cr0 ^ paging), cr0);
  }),
  attack("cr8-too-high", "sets a task priority above 15", refused(vectorGp), () => retireCr8(16n, 0n)),
  attack("xcr0-without-x87", "takes x87 out of XCR0", refused(vectorGp), () => trySetXcr(0, 0n)),
  attack("xcr0-reserved", "sets a reserved bit of XCR0", refused(vectorGp), () =>
    trySetXcr(0, (1n << 62n) | 1n),
  ),
  attack("xcr7", "writes an extended control register that there is none of", refused(vectorGp), () =>
    trySetXcr(7, 1n),
  ),
  attack(
    "apic-base-x2apic-while-off",
    "asks for x2APIC mode of a local APIC that is off",
    refused(vectorGp),
    () => tryWriteMsr(apicBase, 0xfee0_0500n),
  ),
  attack("apic-base-reserved", "sets reserved bits of the local APIC's base", refused(vectorGp), () =>
    tryWriteMsr(apicBase, 0x00ff_0000_fee0_0900n),
  ),
  attack(
    "msr-read-every",
    "reads every MSR of the permission map's ranges and of the synthetic range",
    counted(readable, "answer, all others #GP"),
    readEvery,
  ),
  attack("msr-read-anywhere", "reads 10,000 MSRs of random numbers", goesOn("#GP each time"), readAnywhere),
  attack(
    "msr-write-every",
    "writes random values to all of them but two",
    goesOn("kept from the hypervisor, or #GP"),
    writeEvery,
  ),
  attack(
    "cr3-reserved",
    "sets a reserved bit of CR3",
    ends(
      StopReason.invalidState,
      "#GP; where the processor stores it, as QEMU does, it refuses the guest's state and the guest restarts",
    ),
    () => {
      const cr3 = readCr3();
      return tryCr3(u64(cr3 | (1n << 60n)), cr3);
    },
  ),
];
