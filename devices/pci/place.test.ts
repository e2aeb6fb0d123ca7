import test from "ava";
import { guest, image, linux, mib, payload } from "../../dsl/image.ts";
import { q35 } from "../q35.ts";
import { virtioRng } from "../virtio.ts";
import { watchdog } from "../i6300esb.ts";

test("the pins of PCI functions go round by the slot, to inputs of the I/O APIC that they may share", (t) => {
  const names = ["a", "b", "c", "d", "e"];
  const one = guest({
    name: "one",
    memory: mib(64),
    vcpus: 1,
    kernel: linux({ kernel: payload("vmlinuz") }),
    devices: [q35(), watchdog(), ...names.map((name) => virtioRng({ name }))],
  });
  const pins = one.devices.flatMap((d) => d.parts.filter((p) => p.part === "pci-pin"));
  t.deepEqual(
    pins.map(({ slot, pin, gsi }) => [slot, pin, gsi]),
    [
      [2, 0, 18],
      [3, 0, 19],
      [4, 0, 16],
      [5, 0, 17],
      [6, 0, 18],
    ],
  );
  const [first] = image({ name: "sample", guests: [one] }).model.guests;
  const lines = first!.devices.flatMap((d) => d.lines.filter((l) => l.name === "intx"));
  t.deepEqual(lines[0], {
    ...{ name: "intx", irq: null, gsi: 18 },
    ...{ trigger: "level", polarity: "low", shareable: true },
  });
});
