/**
 * The firmware configuration device, fw_cfg (QEMU, docs/specs/fw_cfg.rst): items that SeaBIOS and OVMF read to learn of
 * the machine, and files among them. All of it is fixed when the image is built; there is no DMA interface.
 */
import { bank, device, rw, u16, u32, u8, wo, type StateOf } from "../dsl/device/vocabulary.ts";
import { DeclarationError } from "../dsl/device/place.ts";
import type { FirmwareFacts, FirmwareFile } from "../dsl/manifest/firmware.ts";

/** Keys that the specification fixes ("Firmware Configuration Items"; QEMU, standard-headers/linux/qemu_fw_cfg.h). */
const key = Object.freeze({
  signature: 0x0000,
  id: 0x0001,
  noDisplay: 0x0004,
  cpus: 0x0005,
  mostCpus: 0x000f,
  directory: 0x0019,
  firstFile: 0x0020,
});
/** Interfaces in the id: the traditional one alone. */
const traditional = 1;
/** Bytes of a name in the directory, with its terminating zero. */
const nameBytes = 56;

interface Item {
  readonly key: number;
  readonly bytes: readonly number[];
}

const half = (n: number): number[] => [n & 0xff, n >>> 8];
const bigEndian = (n: number, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, i) => Math.floor(n / 2 ** (8 * (bytes - 1 - i))) & 0xff);
const letters = (s: string): number[] => [...s].map((c) => c.charCodeAt(0));

/** The directory: the number of files, then size, key and name of each; big-endian ("File Directory"). */
function directory(files: readonly FirmwareFile[]): number[] {
  const entries = files.map(({ name, bytes }, i) => {
    if (name.length >= nameBytes)
      throw new DeclarationError(`the file ${name} has a name of more than ${nameBytes - 1} characters`);
    const padding = new Array<number>(nameBytes - name.length).fill(0);
    return [
      ...bigEndian(bytes.length, 4),
      ...bigEndian(key.firstFile + i, 2),
      0,
      0,
      ...letters(name),
      ...padding,
    ];
  });
  return [...bigEndian(files.length, 4), ...entries.flat()];
}

function itemsOf({ vcpus, files }: FirmwareFacts): readonly Item[] {
  const sorted = [...files].sort((a, b) => (a.name < b.name ? -1 : 1));
  return [
    { key: key.signature, bytes: letters("QEMU") },
    { key: key.id, bytes: [traditional, 0, 0, 0] },
    { key: key.noDisplay, bytes: half(1) },
    { key: key.cpus, bytes: half(vcpus) },
    { key: key.mostCpus, bytes: half(vcpus) },
    { key: key.directory, bytes: directory(sorted) },
    ...sorted.map(({ bytes }, i) => ({ key: key.firstFile + i, bytes })),
  ];
}

/** Makes the device that tells these facts. Throws DeclarationError for a file's name that is too long. */
export function fwCfg(facts: FirmwareFacts) {
  const items = itemsOf(facts);
  const content = Object.freeze(items.flatMap((item) => item.bytes));
  const length = content.length;
  let next = 0;
  const places = Object.freeze(
    items.map((item) => {
      const start = next;
      next += item.bytes.length;
      return Object.freeze({ key: item.key, start, end: next });
    }),
  );
  const shape = device("fw-cfg", {
    title: "Firmware configuration",
    about:
      "Tells firmware of its machine: a selector picks an item, whose bytes are then read one after the other, and zeros behind its end. Among the items is a directory of files: the memory map, and the ACPI tables with the script that links them.",
    manuals: ["QEMU, docs/specs/fw_cfg.rst"],
    banks: {
      ports: bank(u8, {
        selector: wo(0, {}, { about: "Bits [7:0] of the item's key; a write begins the item anew." }),
        data: rw(1, {}, { about: "The next byte of the item; written as bits [15:8] of its key." }),
      }),
    },
    state: { key: u16, at: u32 },
  });
  type FwCfg = StateOf<typeof shape>;

  /** The byte that the next read gets. */
  const current = (u: FwCfg): u8 => {
    const selected = u.key;
    const at = u.at;
    for (const place of places) {
      if (selected === place.key) {
        const index = place.start + at;
        return index < place.end && index < length ? content[index] : 0;
      }
    }
    return 0;
  };
  const select = (u: FwCfg, value: u16): void => {
    u.key = value;
    u.at = 0;
  };
  return shape.implement({
    peek: { data: current },
    read: {
      data(u, byte) {
        // Behind an item's end everything is the same.
        u.at = u32(Math.min(u.at + 1, length));
        return byte;
      },
    },
    write: {
      selector(u, low) {
        select(u, u16((u.key & 0xff00) | low));
      },
      data(u, high) {
        select(u, u16((u.key & 0xff) | (high << 8)));
      },
    },
  });
}
