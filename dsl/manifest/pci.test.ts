import test, { type ExecutionContext } from "ava";
import type { DeviceDeclaration } from "./device.ts";
import { ManifestError, placeOf, type ManifestCode } from "./error.ts";
import { pciPlaces } from "./pci.ts";
import { guest, image, linux, mib, payload } from "../image.ts";
import { sampleDevice, samplePc } from "./testing/sample.ts";

const imageWith = (devices: readonly DeviceDeclaration[]): unknown =>
  image({
    name: "sample",
    guests: [
      guest({
        name: "one",
        memory: mib(64),
        vcpus: 1,
        kernel: linux({ kernel: payload("vmlinuz") }),
        devices,
      }),
    ],
  });

/** An error with that code, which names two places. */
function refuses(t: ExecutionContext, code: ManifestCode, message: RegExp, declare: () => unknown): void {
  const error = t.throws(declare, { instanceOf: ManifestError, message });
  t.is(error.code, code);
  t.is(error.places.length, 2);
}

test("PCI functions get places of their own, which the host bridge passes on", (t) => {
  const pci = pciPlaces("one", placeOf("guest"));
  t.deepEqual(pci.next("a", [0x4000]), { configuration: 0x8000, bars: [0xc000_0000] });
  t.deepEqual(pci.next("b", [0x1000, 0x10_0000]), {
    configuration: 0x1_0000,
    bars: [0xc000_4000, 0xc010_0000],
  });
  for (let i = 0; i < 22; i++) pci.next("more", []);
  refuses(t, "TV5125", /24 PCI devices/, () => pci.next("last", []));
  const wide = pciPlaces("wide", placeOf("guest"));
  refuses(t, "TV5114", /"c"/, () => wide.next("c", [2 ** 31]));
});

test("a PCI function without a bridge, or at addresses that it does not pass on, is refused with both places", (t) => {
  const at = (gpa: number): DeviceDeclaration =>
    sampleDevice({
      name: "f",
      type: "x",
      parts: [{ part: "pci-function", bars: [{ gpa, sizeBytes: 0x4000 }] }],
    });
  t.notThrows(() => imageWith([...samplePc(), at(0xc000_0000)]));
  refuses(t, "TV5112", /"f".*host bridge/, () =>
    imageWith([...samplePc().filter((d) => d.name !== "host-bridge"), at(0xc000_0000)]),
  );
  for (const gpa of [0xbfff_f000, 0xfebf_e000])
    refuses(t, "TV5114", /"f"/, () => imageWith([...samplePc(), at(gpa)]));
});
