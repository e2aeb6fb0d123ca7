/** A function of its own with two base addresses, capabilities and three vectors, for tests. */
import { bank, bit, bits, device, ro, rw, u32, wo } from "../../../dsl/device/vocabulary.ts";
import { deviceProgram } from "../../../dsl/testing/device-program.ts";
import { vendorSpecific } from "../capability.ts";
import { endpoint } from "../endpoint.ts";

const pci = endpoint({
  vendorId: 0x1234,
  deviceId: 0x1111,
  classCode: 0xff_0000,
  bars: [
    { index: 0, bytes: 0x2000, gpa: 0xc000_0000 },
    { index: 2, bytes: 0x10_0000, width: 64, prefetchable: true, gpa: 0xc010_0000 },
  ],
  vectors: 3,
  msix: { bar: 0, table: 0x1000, pending: 0x1800 },
  capabilities: [
    {
      name: "first",
      id: vendorSpecific,
      sizeBytes: 10,
      fields: { length: bits(23, 16) },
      registers: { firstData: ro(4, {}, { reset: 0x1234_5678 }) },
    },
    {
      name: "second",
      id: vendorSpecific,
      sizeBytes: 20,
      registers: { at: rw(4, { bar: bits(7, 0) }), offset: rw(8), length: rw(12), data: rw(16) },
    },
  ],
  aperture: {
    data: "data",
    select: "at.bar",
    behind: { 0: "bar0", 2: "bar2" },
    offset: "offset",
    length: "length",
  },
});

/** A write to `kick` asks for the vector of that number; `asks` asks at the pin. */
export const sample = device("sample", {
  banks: {
    ...pci.banks,
    control: bank(u32, { kick: wo(0), kept: rw(4), asks: rw(8, { now: bit(0) }) }, pci.behind(0, 0, 12)),
    wide: bank(u32, { far: rw(0) }, pci.behind(2, 0x8_0000, 0x1000)),
  },
  state: { ...pci.state },
}).implement({
  write: { kick: (u, vector) => pci.raise(u, vector & 0xffff) },
  settle(u) {
    pci.deliver(u);
    pci.interrupt(u, u.asks.now);
  },
});

export const place = 5 << 15;
export const program = deviceProgram(sample, { configuration: place });
