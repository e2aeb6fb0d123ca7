/** The number by which the interface knows a virtual processor. */
import { bank, device, ro, u64 } from "../../dsl/device/vocabulary.ts";

/** The index of a virtual processor (TLFS §7.8.1). */
export function vpIndex(index: number) {
  const value = BigInt(index);
  return device("viridian-vp-index", {
    title: "Viridian: index of a virtual processor",
    about: "The number that hypercalls know the virtual processor by.",
    manuals: ["Hypervisor Top Level Functional Specification (TLFS), version 6.0b"],
    banks: {
      index: bank(
        u64,
        { vpIndex: ro(0, {}, { about: "The virtual processor's number", section: "TLFS §7.8.1" }) },
        { space: "msr" },
      ),
    },
  }).implement({ peek: { vpIndex: () => value } });
}
