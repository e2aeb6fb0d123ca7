/**
 * The registers by which a guest that is about to die says why (TLFS §2.7): five parameters, and a control register whose
 * write sends them to the administrator.
 */
import { bank, bit, constant, device, report, rw, repeat, u64 } from "../../dsl/device/vocabulary.ts";

/** Codes of the reports: parameters 0 and 1, 2 and 3, and 4. */
export const crashReports = Object.freeze([0x100, 0x102, 0x104] as const);

const notify = 1n << 63n;

/** The crash registers of a guest. */
export const crashRegisters = device("viridian-crash", {
  title: "Viridian: crash registers",
  about:
    "Five parameters, and a control register whose write tells them to the administrator. A message in memory is not taken.",
  manuals: ["Hypervisor Top Level Functional Specification (TLFS), version 6.0b"],
  banks: {
    crash: bank(
      u64,
      {
        crashParameter: repeat(
          5,
          1,
          rw(0, {}, { about: "What the guest says of its end", section: "TLFS §2.7" }),
        ),
        crashControl: rw(
          5,
          { notify: constant(bit(63), true) },
          { about: "Sends the parameters; reads as what it can", section: "TLFS §2.7" },
        ),
      },
      { space: "msr" },
    ),
  },
  state: { report: report() },
}).implement({
  written: {
    crashControl(u, value) {
      if ((value & notify) === 0n) return;
      const p = u.crashParameter;
      u.report.tell(0x100, p[0].value, p[1].value);
      u.report.tell(0x102, p[2].value, p[3].value);
      u.report.tell(0x104, p[4].value, 0n);
    },
  },
});
