/** What a local APIC consists of: its registers, its state, the numbers of its specification. */
import {
  bank,
  bit,
  bits,
  constant,
  device,
  inputs,
  line,
  messages,
  readOnly,
  repeat,
  ro,
  rw,
  signal,
  timer,
  u32,
  u64,
  u8,
  wo,
  type StateOf,
} from "../../dsl/device/vocabulary.ts";

export const lvtFields = {
  vector: bits(7, 0),
  deliveryMode: bits(10, 8),
  sending: readOnly(bit(12)),
  activeLow: bit(13),
  remoteIrr: readOnly(bit(14)),
  level: bit(15),
  masked: bit(16),
} as const;
export const masked = 0x1_0000;
export const stride = 0x10;

export const shape = device("local-apic", {
  banks: {
    mmio: bank(
      u32,
      {
        id: rw(0x20, { id: bits(31, 24) }),
        version: ro(0x30, { version: constant(bits(7, 0), 0x14), lastLvt: constant(bits(23, 16), 5) }),
        tpr: rw(0x80, { priority: bits(7, 0) }),
        apr: ro(0x90, { priority: bits(7, 0) }),
        ppr: ro(0xa0, { priority: bits(7, 0) }),
        eoi: wo(0xb0, {}, { weight: 64 }),
        ldr: rw(0xd0, { id: bits(31, 24) }),
        dfr: rw(0xe0, { model: bits(31, 28) }, { reset: 0xffff_ffff }),
        svr: rw(0xf0, { vector: bits(7, 0), enabled: bit(8), focusOff: bit(9) }, { reset: 0xff }),
        isr: repeat(8, stride, ro(0x100)),
        tmr: repeat(8, stride, ro(0x180)),
        irr: repeat(8, stride, ro(0x200)),
        esr: rw(0x280, { errors: bits(7, 0) }),
        icrLow: rw(
          0x300,
          {
            vector: bits(7, 0),
            deliveryMode: bits(10, 8),
            logical: bit(11),
            sending: readOnly(bit(12)),
            assert: bit(14),
            level: bit(15),
            shorthand: bits(19, 18),
          },
          { weight: 32 },
        ),
        icrHigh: rw(0x310, { destination: bits(31, 24) }, { weight: 32 }),
        lvtTimer: rw(
          0x320,
          { vector: bits(7, 0), sending: readOnly(bit(12)), masked: bit(16), mode: bits(18, 17) },
          { reset: masked },
        ),
        lvtThermal: rw(0x330, lvtFields, { reset: masked }),
        lvtCounter: rw(0x340, lvtFields, { reset: masked }),
        lvtLint0: rw(0x350, lvtFields, { reset: masked }),
        lvtLint1: rw(0x360, lvtFields, { reset: masked }),
        lvtError: rw(
          0x370,
          { vector: bits(7, 0), sending: readOnly(bit(12)), masked: bit(16) },
          { reset: masked },
        ),
        initialCount: rw(0x380, {}, { weight: 64 }),
        currentCount: ro(0x390, {}, { weight: 4 }),
        divide: rw(0x3e0, { low: bits(1, 0), high: bit(3) }),
      },
      { space: "mmio", size: 0x1000, narrow: "ignore" },
    ),
  },
  state: {
    /** IA32_APIC_BASE. */
    base: u64,
    initialId: u8,
    irrWords: u8,
    isrWords: u8,
    pendingErrors: u8,
    /** When the timer's present period began, and how long it is; 0 where it does not run. */
    startNs: u64,
    periodNs: u64,
    /** IA32_TSC_DEADLINE; 0 where it is not armed. */
    deadlineTicks: u64,
    count: timer(),
    lint: inputs(2),
    interrupt: line(),
    bus: messages(),
    eoiMessage: signal(),
    nmi: signal(),
    init: signal(),
    startup: signal(),
  },
});
export type Apic = StateOf<typeof shape>;

// IA32_APIC_BASE (Intel SDM vol. 3 §11.12.1).
export const baseAddress = 0xfee0_0000n;
export const baseBsp = 0x100n;
export const baseX2 = 0x400n;
export const baseEnable = 0x800n;
export const baseBits = 0xf_ffff_ffff_fd00n;

// Delivery modes (Intel SDM vol. 3 §11.6.1).
export const lowestPriority = 1;
export const modeNmi = 4;
export const modeInit = 5;
export const modeStartup = 6;
export const modeExtInt = 7;

// Bits of the error status register (Intel SDM vol. 3 §11.5.3).
export const sendIllegalVector = 0x20;
export const receiveIllegalVector = 0x40;
/** Vectors below belong to the processor's exceptions. */
export const firstVector = 16;

export const oneShot = 0;
export const periodic = 1;
export const deadlineMode = 2;

export function isX2(u: Apic): boolean {
  return (u.base & baseX2) !== 0n;
}
export function apicId(u: Apic): u32 {
  return isX2(u) ? u.initialId : u.id.id;
}
