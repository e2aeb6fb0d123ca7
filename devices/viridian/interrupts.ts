/** Short ways to the local APIC, and the page that a virtual processor shares with the hypervisor. */
import { bank, bit, bits, board, device, page, reserved, rw, u64, wo } from "../../dsl/device/vocabulary.ts";

/** Registers of the local APIC by MSR (TLFS §10.2.2), and the assist page (TLFS §7.8.7). */
export const interruptRegisters = device("viridian-interrupts", {
  title: "Viridian: interrupt registers",
  about:
    "EOI, ICR and TPR of the local APIC by MSR, in whichever mode that is, and the assist page, which is memory that the hypervisor does not write.",
  manuals: ["Hypervisor Top Level Functional Specification (TLFS), version 6.0b"],
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
