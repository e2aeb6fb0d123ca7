import test from "ava";
import { q35 } from "../../devices/q35.ts";
import { guest, image, linux, mib, payload } from "../image.ts";
import { linkedNames, linkedTables } from "./linker.ts";
import { acpiTables } from "./tables.ts";

const model = image({
  name: "sample",
  guests: [
    guest({
      name: "one",
      memory: mib(64),
      vcpus: 2,
      kernel: linux({ kernel: payload("vmlinuz") }),
      devices: [q35()],
    }),
  ],
}).model.guests[0]!;
const input = {
  ...{ vcpus: model.vcpus, chipset: model.chipset, pciPins: [], legacyPics: true },
  devices: model.devices.map((d) => ({ ...d, acpi: undefined })),
  power: { softOffType: 0, timerBits: 32 },
  hpet: { eventTimerBlockId: 1, minimumTick: 1 },
  resetPort: 0xcf9,
  rtcCentury: 0x32,
} as const;

/** Does what the script says, as firmware would: files at these addresses. */
function link(bases: Readonly<Record<string, number>>): Readonly<Record<string, Buffer>> {
  const linked = linkedTables(input);
  const script = Buffer.from(linked.script);
  const contents: Record<string, readonly number[]> = {
    [linkedNames.tables]: linked.tables,
    [linkedNames.rootPointer]: linked.rootPointer,
  };
  const placed: Record<string, Buffer> = {};
  const nameAt = (at: number): string => script.toString("latin1", at, script.indexOf(0, at));
  for (let at = 0; at < script.length; at += 128) {
    const file = nameAt(at + 4);
    const bytes = placed[file];
    if (script.readUInt32LE(at) === 1) placed[file] = Buffer.from(contents[file]!);
    else if (script.readUInt32LE(at) === 2) {
      const [offset, size] = [script.readUInt32LE(at + 116), script[at + 120]!];
      const base = bases[nameAt(at + 60)]!;
      bytes!.writeUIntLE(bytes!.readUIntLE(offset, Math.min(size, 6)) + base, offset, Math.min(size, 6));
    } else {
      const [offset, start, length] = [0, 4, 8].map((i) => script.readUInt32LE(at + 60 + i)) as [
        number,
        number,
        number,
      ];
      const range = bytes!.subarray(start, start + length);
      bytes![offset] = (bytes![offset]! - range.reduce((sum, byte) => sum + byte, 0)) & 0xff;
    }
  }
  return placed;
}

test("linked at an address, the tables are those that are laid there directly", (t) => {
  const gpa = 0x7f_e000;
  const placed = link({ [linkedNames.tables]: gpa, [linkedNames.rootPointer]: 0xf_5000 });
  const direct = acpiTables(input, {
    tables: { gpa: gpa + 64, sizeBytes: 0x1_0000 },
    nvs: { gpa },
    rsdpGpa: 0xf_5000,
  });
  for (const { signature, gpa: at, bytes } of direct.tables) {
    const found =
      signature === "RSD PTR "
        ? placed[linkedNames.rootPointer]!
        : placed[linkedNames.tables]!.subarray(at - gpa, at - gpa + bytes.length);
    t.deepEqual([...found], [...bytes], signature);
  }
});
