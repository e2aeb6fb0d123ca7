/** What each virtual processor has of the interface: its index, short ways to its local APIC, an assist page, idling. */
import {
  bank,
  bit,
  bits,
  board,
  device,
  page,
  reserved,
  ro,
  rw,
  signal,
  u64,
  wo,
} from "../../dsl/device/vocabulary.ts";

/** The index of a virtual processor (TLFS §7.8.1). */
export function vpIndex(index: number) {
  const value = BigInt(index);
  return device("viridian-vp-index", {
    banks: {
      index: bank(
        u64,
        { vpIndex: ro(0, {}, { about: "The virtual processor's number", section: "TLFS §7.8.1" }) },
        { space: "msr" },
      ),
    },
  }).implement({ peek: { vpIndex: () => value } });
}

/** Registers of the local APIC by MSR (TLFS §10.2.2), and the assist page (TLFS §7.8.7). */
export const interruptRegisters = device("viridian-interrupts", {
  banks: {
    interrupts: bank(
      u64,
      {
        eoi: wo(0, {}, { apic: 0x0b, about: "End of interrupt", section: "TLFS §10.2.3" }),
        icr: rw(1, {}, { apic: 0x30, about: "Interrupt command", section: "TLFS §10.2.4" }),
        tpr: rw(2, {}, { apic: 0x08, about: "Task priority", section: "TLFS §10.2.5" }),
        vpAssistPage: rw(
          3,
          { enable: bit(0), ignored: reserved(11, 1), gpfn: bits(63, 12) },
          { about: "A page that the processor shares with the hypervisor", section: "TLFS §7.8.7" },
        ),
      },
      { space: "msr" },
    ),
  },
  state: { assistPage: page() },
}).implement({
  accepts: {
    vpAssistPage: (_u, value) => (value & 1n) === 0n || board.coversMemory(u64(value & ~0xfffn)),
  },
  written: {
    vpAssistPage(u) {
      if (u.vpAssistPage.enable) u.assistPage.place(u64(u.vpAssistPage.value & ~0xfffn));
      else u.assistPage.remove();
    },
  },
});

/** Reading it lets the processor rest until an interrupt comes (TLFS §7.5.1). */
export const idleRegister = device("viridian-idle", {
  banks: {
    idle: bank(
      u64,
      { guestIdle: ro(0, {}, { about: "A read rests until an interrupt", section: "TLFS §7.5.1" }) },
      { space: "msr" },
    ),
  },
  state: { idle: signal() },
}).implement({
  read: {
    guestIdle(u) {
      u.idle.raise(0);
      return 0n;
    },
  },
});
