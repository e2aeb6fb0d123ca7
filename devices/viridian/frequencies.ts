/** The frequencies of the time-stamp counter and of the local APIC's timer, in Hz (TLFS §12.8). */
import { bank, board, device, ro, u64 } from "../../dsl/device/vocabulary.ts";

/** Our local APICs count nanoseconds. */
const apicHz = 1_000_000_000n;

/** The frequencies, which spare the guest their measurement. */
export const frequencies = device("viridian-frequencies", {
  title: "Viridian: frequencies",
  about: "The rates of the guest's clocks, which it then need not measure.",
  manuals: ["Hypervisor Top Level Functional Specification (TLFS), version 6.0b"],
  banks: {
    frequencies: bank(
      u64,
      {
        tscFrequency: ro(0, {}, { about: "Rate of the time-stamp counter, in Hz", section: "TLFS §12.8" }),
        apicFrequency: ro(1, {}, { about: "Rate of the APIC's timer, in Hz", section: "TLFS §12.8" }),
      },
      { space: "msr" },
    ),
  },
}).implement({
  peek: { tscFrequency: () => board.ticksPerSecond(), apicFrequency: () => apicHz },
});
