/** The debug console at port 0xe9 (Bochs, QEMU `isa-debugcon`): bytes out, and a read that says that it is there. */
import { bank, device, rw, sink, u8 } from "../dsl/device/vocabulary.ts";

/** What software reads to find the port. */
const presence = 0xe9;

const shape = device("debugcon", {
  title: "Debug console",
  about: "Bytes out at port 0xe9, and a read that says that it is there.",
  manuals: ["Bochs, port_e9_hack", "QEMU, isa-debugcon"],
  banks: {
    port: bank(u8, {
      data: rw(0, {}, { reset: presence, about: "Reads as 0xe9; what is written leaves as a byte." }),
    }),
  },
  state: { output: sink() },
});

export const debugcon = shape.implement({
  write: {
    data(u, byte) {
      u.output.put(byte);
    },
  },
});
