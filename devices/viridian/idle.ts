/** The register by which a virtual processor rests. */
import { bank, device, ro, signal, u64 } from "../../dsl/device/vocabulary.ts";

/** Reading it lets the processor rest until an interrupt comes (TLFS §7.5.1). */
export const idleRegister = device("viridian-idle", {
  title: "Viridian: idle register",
  about:
    "A read lets the virtual processor rest until an interrupt comes; with interrupts off it goes on at once.",
  manuals: ["Hypervisor Top Level Functional Specification (TLFS), version 6.0b"],
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
