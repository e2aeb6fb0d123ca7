import test from "ava";
import { bios, guest, image, mib, payload, uefi } from "../image.ts";
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

test("UEFI firmware and its variables fill 4 MiB below 4 GiB", (t) => {
  const kernel = uefi({ code: payload("code.fd"), variables: payload("variables.fd") });
  const devices = [...samplePc(), firmwareConfiguration()];
  const { model } = image({
    name: "sample",
    guests: [guest({ name: "one", memory: mib(64), vcpus: 1, kernel, devices })],
  });
  const { slots, loader } = model.guests[0]!;
  const end = 60 * 2 ** 20;
  t.deepEqual(slots.map((s) => [s.kind, s.gpa, s.sizeBytes, s.ramOffset]).slice(2), [
    ["ram", 0x10_0000, end - 0x10_0000, 0x10_0000],
    ["flash", 2 ** 32 - 0x40_0000, 0x8_4000, end],
    ["rom", 2 ** 32 - 0x37_c000, 0x37_c000, end + 0x8_4000],
  ]);
  t.like(loader, { kind: "uefi", kernelPayload: 0, variablesPayload: 1, variableBytes: 0x8_4000 });
  t.deepEqual(
    model.payloads.map((p) => [p.path, p.role]),
    [
      ["code.fd", "uefi"],
      ["variables.fd", "uefi-variables"],
    ],
  );
});

test("a guest that starts with firmware needs the device that tells it of the machine", (t) => {
  const error = t.throws(() => firmware(samplePc(), mib(64)), { instanceOf: ManifestError });
  t.is(error.code, "TV5112");
  t.regex(error.message, /starts with firmware and has no firmware configuration device/);
});
