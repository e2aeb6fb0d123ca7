import test from "ava";
import { bios, guest, image, mib, payload } from "../image.ts";
import type { DeviceDeclaration } from "./device.ts";
import { ManifestError } from "./error.ts";
import { sampleDevice, samplePc } from "./testing/sample.ts";
import type { Bytes } from "./units.ts";

const firmware = (devices: readonly DeviceDeclaration[], memory: Bytes) =>
  image({
    name: "sample",
    guests: [
      guest({ name: "one", memory, vcpus: 1, kernel: bios({ firmware: payload("bios.bin") }), devices }),
    ],
  });
const firmwareConfiguration = () =>
  sampleDevice({ name: "fw", type: "fw", parts: [{ part: "firmware-configuration" }] });

test("firmware's ROM ends at 4 GiB, lies in the last of the guest's memory, and is not told of as RAM", (t) => {
  const { slots, e820, acpi } = firmware([...samplePc(), firmwareConfiguration()], mib(64)).model.guests[0]!;
  const end = 62 * 2 ** 20;
  t.deepEqual(
    slots.map((s) => [s.kind, s.gpa, s.sizeBytes, s.ramOffset]),
    [
      ["ram", 0, 0xa_0000, 0],
      ["ram", 0xc_0000, 0x4_0000, 0xc_0000],
      ["ram", 0x10_0000, end - 0x10_0000, 0x10_0000],
      ["rom", 2 ** 32 - 0x4_0000, 0x4_0000, end],
    ],
  );
  t.deepEqual(e820, [{ gpa: 0, sizeBytes: end, type: "ram" }]);
  t.deepEqual(acpi.tables, []);
});

test("a guest that starts with firmware needs the device that tells it of the machine", (t) => {
  const error = t.throws(() => firmware(samplePc(), mib(64)), { instanceOf: ManifestError });
  t.is(error.code, "TV5112");
  t.regex(error.message, /starts with firmware and has no firmware configuration device/);
});
