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
  vector: bits(7, 0, "The vector that is delivered."),
  deliveryMode: bits(10, 8, "0: fixed; 4: NMI; 7: ExtINT; others do nothing."),
  sending: readOnly(bit(12, "Never: an interrupt is delivered at once.")),
  activeLow: bit(13, "The pin asks while it is low; kept, and without effect."),
  remoteIrr: readOnly(bit(14, "Not set.")),
  level: bit(15, "Level-triggered."),
  masked: bit(16, "Nothing is delivered; always 1 while the APIC is disabled by software."),
} as const;
export const masked = 0x1_0000;
export const stride = 0x10;
const lvtOptions = { reset: masked, section: "SDM §11.5.1", about: "A local interrupt." } as const;

export const shape = device("local-apic", {
  title: "Local APIC",
  about:
    "One for each virtual CPU: xAPIC registers behind a window in memory; in x2APIC mode the same registers are MSRs. The timer's input clock is 1 GHz, and TSC-deadline mode is there.",
  manuals: ["Intel SDM vol. 3 §11", "AMD APM vol. 2 §16"],
  banks: {
    mmio: bank(
      u32,
      {
        id: rw(0x20, { id: bits(31, 24, "The APIC id.") }, { section: "SDM §11.4.6" }),
        version: ro(
          0x30,
          {
            version: constant(bits(7, 0), 0x14),
            lastLvt: constant(bits(23, 16, "Local vectors, less 1."), 5),
          },
          { section: "SDM §11.4.8" },
        ),
        tpr: rw(
          0x80,
          { priority: bits(7, 0, "Interrupts of this class and below wait: [7:4] is the class.") },
          { section: "SDM §11.8.3.1", about: "Task priority." },
        ),
        apr: ro(0x90, { priority: bits(7, 0) }, { about: "Arbitration priority; always 0." }),
        ppr: ro(
          0xa0,
          { priority: bits(7, 0, "The higher of the task's priority and that of the interrupt in service.") },
          { section: "SDM §11.8.3.1", about: "Processor priority." },
        ),
        eoi: wo(
          0xb0,
          {},
          { weight: 64, section: "SDM §11.8.5", about: "Ends the interrupt of highest priority in service." },
        ),
        ldr: rw(
          0xd0,
          { id: bits(31, 24, "The logical id.") },
          { section: "SDM §11.6.2.2", about: "Logical destination." },
        ),
        dfr: rw(
          0xe0,
          { model: bits(31, 28, "15: flat; 0: clusters.") },
          { reset: 0xffff_ffff, section: "SDM §11.6.2.2", about: "Destination format." },
        ),
        svr: rw(
          0xf0,
          {
            vector: bits(7, 0, "The spurious vector."),
            enabled: bit(8, "Without it every local vector is masked."),
            focusOff: bit(9, "Kept, and without effect."),
          },
          { reset: 0xff, section: "SDM §11.9", about: "Spurious vector, and the APIC's switch." },
        ),
        isr: repeat(
          8,
          stride,
          ro(0x100, {}, { section: "SDM §11.8.4", about: "Vectors in service, 32 in each." }),
        ),
        tmr: repeat(
          8,
          stride,
          ro(0x180, {}, { section: "SDM §11.8.4", about: "Vectors that are level-triggered." }),
        ),
        irr: repeat(
          8,
          stride,
          ro(0x200, {}, { section: "SDM §11.8.4", about: "Vectors that are asked for." }),
        ),
        esr: rw(
          0x280,
          { errors: bits(7, 0, "Bit 5: a vector below 16 was sent; bit 6: one was received.") },
          { section: "SDM §11.5.3", about: "Errors up to the last write, which latches them." },
        ),
        icrLow: rw(
          0x300,
          {
            vector: bits(7, 0, "The vector to send."),
            deliveryMode: bits(
              10,
              8,
              "0: fixed; 1: lowest priority; 4: NMI; 5: INIT; 6: start-up; others do nothing.",
            ),
            logical: bit(11, "The destination is a logical one."),
            sending: readOnly(bit(12, "Never: a message leaves at once.")),
            assert: bit(14, "0 with `level` is an INIT level de-assert, which does nothing."),
            level: bit(15, "Level-triggered."),
            shorthand: bits(19, 18, "0: the destination; 1: itself; 2: all; 3: all but itself."),
          },
          { weight: 32, section: "SDM §11.6.1", about: "Interrupt command; a write sends." },
        ),
        icrHigh: rw(
          0x310,
          { destination: bits(31, 24, "An APIC's id, or a set of logical ids.") },
          { weight: 32, section: "SDM §11.6.1", about: "Interrupt command: to whom." },
        ),
        lvtTimer: rw(
          0x320,
          {
            vector: lvtFields.vector,
            sending: lvtFields.sending,
            masked: lvtFields.masked,
            mode: bits(18, 17, "0: one shot; 1: periodic; 2: TSC deadline."),
          },
          { reset: masked, section: "SDM §11.5.4", about: "The timer's interrupt." },
        ),
        lvtThermal: rw(0x330, lvtFields, lvtOptions),
        lvtCounter: rw(0x340, lvtFields, lvtOptions),
        lvtLint0: rw(0x350, lvtFields, lvtOptions),
        lvtLint1: rw(0x360, lvtFields, lvtOptions),
        lvtError: rw(
          0x370,
          { vector: lvtFields.vector, sending: lvtFields.sending, masked: lvtFields.masked },
          lvtOptions,
        ),
        initialCount: rw(
          0x380,
          {},
          { weight: 64, section: "SDM §11.5.4", about: "Starts the timer; 0 stops it." },
        ),
        currentCount: ro(
          0x390,
          {},
          { weight: 4, section: "SDM §11.5.4", about: "What is left of the count." },
        ),
        divide: rw(
          0x3e0,
          { low: bits(1, 0, "With `high` as bit 2: 2, 4, 8, 16, 32, 64, 128, 1."), high: bit(3) },
          { section: "SDM §11.5.4", about: "What the timer's clock is divided by." },
        ),
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
