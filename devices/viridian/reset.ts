/** The register by which a guest resets itself (TLFS §8.1.1). */
import { bank, bit, device, rw, selfClearing, signal, u64 } from "../../dsl/device/vocabulary.ts";

/** The reset register of a guest. */
export const resetRegister = device("viridian-reset", {
  title: "Viridian: reset register",
  about: "A guest resets itself by it.",
  manuals: ["Hypervisor Top Level Functional Specification (TLFS), version 6.0b"],
  banks: {
    control: bank(
      u64,
      { systemReset: rw(0, { reset: selfClearing(bit(0)) }, { about: "1 resets", section: "TLFS §8.1.1" }) },
      { space: "msr" },
    ),
  },
  state: { reset: signal() },
}).implement({
  written: {
    systemReset(u, value) {
      if ((value & 1n) !== 0n) u.reset.raise(0);
    },
  },
});
