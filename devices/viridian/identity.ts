/**
 * Who the hypervisor says it is, and who the guest says it is (TLFS 6.0b §2.4 and §3.12): the leaves, GUEST_OS_ID, and the
 * page through which the guest makes hypercalls. A guest that has not said who it is has no page.
 */
import {
  bank,
  bit,
  bits,
  board,
  constant,
  device,
  hypercall,
  leaf,
  letters,
  page,
  reserved,
  rw,
  signal,
  u32,
  u64,
  type StateOf,
} from "../../dsl/device/vocabulary.ts";

/** What a guest is offered beside its identity. */
export interface Offer {
  readonly referenceCounter: boolean;
  readonly interruptRegisters: boolean;
  readonly reset: boolean;
  readonly idle: boolean;
  readonly frequencies: boolean;
  readonly crash: boolean;
  /** Virtual processors that the guest has. */
  readonly vcpus: number;
}

/** Spins after which a guest says that it waits for another processor (leaf 4, EBX). */
const spinsBeforeNotice = 4095;

function leavesOf(offer: Offer) {
  const flag = (n: number, value: boolean) => constant(bit(n), value);
  return {
    vendor: leaf(
      0x4000_0000,
      { eax: 0x4000_0006, ebx: letters("Micr"), ecx: letters("osof"), edx: letters("t Hv") },
      { about: "The highest leaf, and whose interface it is", section: "TLFS §2.4.1" },
    ),
    interface: leaf(
      0x4000_0001,
      { eax: letters("Hv#1") },
      { about: "The interface that the leaves from here on follow", section: "TLFS §2.4.2" },
    ),
    version: leaf(
      0x4000_0002,
      {
        eax: { build: constant(bits(31, 0), 14393) },
        ebx: { minor: constant(bits(15, 0), 0), major: constant(bits(31, 16), 10) },
      },
      { about: "The version of the interface that guests know these features from", section: "TLFS §2.4.3" },
    ),
    features: leaf(
      0x4000_0003,
      {
        eax: {
          vpRunTime: flag(0, false),
          referenceCounter: flag(1, offer.referenceCounter),
          synic: flag(2, false),
          syntheticTimers: flag(3, false),
          interruptRegisters: flag(4, offer.interruptRegisters),
          hypercall: flag(5, true),
          vpIndex: flag(6, true),
          reset: flag(7, offer.reset),
          referenceTsc: flag(9, offer.referenceCounter),
          idle: flag(10, offer.idle),
          frequencies: flag(11, offer.frequencies),
        },
        edx: {
          idleState: flag(5, offer.idle),
          frequencyRegisters: flag(8, offer.frequencies),
          crashRegisters: flag(10, offer.crash),
        },
      },
      { about: "What the guest may use", section: "TLFS §2.4.4" },
    ),
    hints: leaf(
      0x4000_0004,
      {
        eax: { relaxedTiming: flag(5, true) },
        ebx: { spinsBeforeNotice: constant(bits(31, 0), spinsBeforeNotice) },
      },
      { about: "What the guest had better use", section: "TLFS §2.4.5" },
    ),
    limits: leaf(
      0x4000_0005,
      { eax: { virtualProcessors: constant(bits(31, 0), offer.vcpus) } },
      { about: "How much of it there is", section: "TLFS §2.4.6" },
    ),
    hardware: leaf(
      0x4000_0006,
      { eax: { msrBitmaps: flag(1, true), secondLevelTranslation: flag(3, true) } },
      { about: "What the hypervisor uses of the processor", section: "TLFS §2.4.7" },
    ),
  };
}

function shapeOf(offer: Offer) {
  return device("viridian", {
    title: "Viridian: identity and hypercalls",
    about:
      "What Microsoft Hyper-V gives its guests, in as far as every guest has it: the leaves that name the interface and its features, the guest's own name, and the page through which it makes hypercalls.",
    manuals: ["Hypervisor Top Level Functional Specification (TLFS), version 6.0b"],
    banks: {
      identity: bank(
        u64,
        {
          guestOsId: rw(0, {}, { about: "Who the guest is; 0 for nobody", section: "TLFS §2.6" }),
          hypercall: rw(
            1,
            { enable: bit(0), locked: bit(1), ignored: reserved(11, 2), gpfn: bits(63, 12) },
            { about: "The page through which the guest makes hypercalls", section: "TLFS §3.13" },
          ),
        },
        { space: "msr" },
      ),
    },
    state: { hypercallPage: page(), yield: signal() },
    leaves: leavesOf(offer),
    hypercalls: {
      notifyLongSpinWait: hypercall(0x0008, {
        input: { spins: u32 },
        about: "The processor spins for a lock that another one holds",
        section: "TLFS §11.14.1",
      }),
    },
  });
}
type Viridian = StateOf<ReturnType<typeof shapeOf>>;

/** Lays the page where the register says, or takes it away. */
function follow(u: Viridian): void {
  if (!u.hypercall.enable) {
    u.hypercallPage.remove();
    return;
  }
  u.hypercallPage.write(0, u64(board.hypercallInstruction()));
  u.hypercallPage.place(u64(u.hypercall.value & ~0xfffn));
}

/** The part of the interface that every guest has which has any of it. */
export function identity(offer: Offer) {
  return shapeOf(offer).implement({
    accepts: {
      hypercall: (_u, value) => (value & 1n) === 0n || board.coversMemory(u64(value & ~0xfffn)),
    },
    write: {
      hypercall(u, value) {
        if (u.hypercall.locked) return;
        const wanted = u64(value & ~0xffcn);
        u.hypercall.value = u.guestOsId.value === 0n ? u64(wanted & ~1n) : wanted;
        follow(u);
      },
    },
    written: {
      guestOsId(u, value) {
        if (value !== 0n || !u.hypercall.enable) return;
        u.hypercall.enable = false;
        follow(u);
      },
    },
    hypercall: {
      notifyLongSpinWait(u) {
        u.yield.raise(0);
        return 0;
      },
    },
  });
}
