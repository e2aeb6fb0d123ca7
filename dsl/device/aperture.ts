/**
 * A data register through which the windows behind a function's base addresses are reached without being mapped: other
 * registers of its bank say which base address, where behind it, and how many bytes (as VIRTIO_PCI_CAP_PCI_CFG does,
 * virtio 1.2 §4.1.4.9).
 */
import { u32, u8 } from "../core/int.ts";
import type { AnyBank } from "./bank.ts";
import type { Cells } from "./cell.ts";
import { sizeOf } from "./model.ts";
import { DeclarationError } from "./place.ts";
import type { Handlers } from "./plan.ts";
import type { WindowAccess } from "./window.ts";

/** An aperture: registers of the bank that declares it, by their names. */
export interface Aperture {
  /** 32 bits; a read or a write of it is one of what is chosen, and it keeps what passed through. */
  readonly data: string;
  /** `register.field` whose value picks one of `behind`. */
  readonly select: string;
  /** Registers that place movable windows, by the value that picks them. */
  readonly behind: Readonly<Record<number, string>>;
  /** The register that holds the offset behind the chosen one, in bytes. */
  readonly offset: string;
  /** The register that holds the number of bytes: 1, 2 or 4; for any other nothing is reached. */
  readonly length: string;
}

const masks = Object.freeze([0, 0xff, 0xffff, 0, 0xffff_ffff]);

/** The number of bytes of an access, or 0 where none has it or it would not be aligned. */
function widthOf(length: u32, offset: u32): u8 {
  if (length === 1) return 1;
  if (length === 2) return (offset & 1) === 0 ? 2 : 0;
  if (length === 4) return (offset & 3) === 0 ? 4 : 0;
  return 0;
}

/** What the data register does. Where nothing lies, ones are read and writes are dropped. */
export function apertureHandlers(
  { data, select, behind, offset, length }: Aperture,
  banks: readonly AnyBank[],
  accessOf: (bank: AnyBank) => WindowAccess,
): Handlers {
  const [selector, fieldName] = select.split(".") as [string, string];
  const register = banks.flatMap((b) => b.entries).find((e) => e.name === selector)!.register;
  const { lsb, msb } = register.fields[fieldName]!;
  const ones: u32 = 2 ** (msb - lsb + 1) - 1;
  const targets = Object.entries(behind).flatMap(([pick, placing]) =>
    banks.flatMap((bank) => {
      const { movable } = bank.options;
      if (movable?.register !== placing) return [];
      const { read, write } = accessOf(bank);
      return [Object.freeze({ pick: Number(pick), first: movable.offset, size: sizeOf(bank), read, write })];
    }),
  );
  return Object.freeze({
    peek: undefined,
    flags: [],
    numbers: [],
    read: (self: Cells): u32 => {
      const at = self[offset].value;
      const width = widthOf(self[length].value, at);
      if (width === 0) return 0xffff_ffff;
      const picked = (self[selector].value >>> lsb) & ones;
      let value: u32 = 0xffff_ffff;
      for (const t of targets) {
        const inside = u32(at - t.first);
        if (picked === t.pick && inside < t.size && width <= t.size - inside)
          value = t.read(self, inside, width);
      }
      const mask = masks[width];
      const whole = u32((self[data].value & ~mask) | (value & mask));
      self[data].value = whole;
      return whole;
    },
    write: (self: Cells, value: u32): void => {
      self[data].value = value;
      const at = self[offset].value;
      const width = widthOf(self[length].value, at);
      if (width === 0) return;
      const picked = (self[selector].value >>> lsb) & ones;
      for (const t of targets) {
        const inside = u32(at - t.first);
        if (picked === t.pick && inside < t.size && width <= t.size - inside)
          t.write(self, inside, width, u32(value & masks[width]));
      }
    },
    written: undefined,
    accepts: undefined,
    settlesReads: true,
  });
}

/** The registers of an aperture are there, and it lies in front of windows. Throws DeclarationError. */
export function checkAperture(path: string, bank: AnyBank, banks: readonly AnyBank[]): void {
  const { aperture } = bank.options;
  if (aperture === undefined) return;
  const find = (name: string) => bank.entries.find((e) => e.name === name && !e.register.many)?.register;
  const { data, select, behind, offset, length } = aperture;
  for (const name of [data, offset, length]) {
    const register = find(name);
    if (register === undefined || (register.width ?? bank.unit).bits !== 32)
      throw new DeclarationError(`${path}: ${name} is no single register of 32 bits of its bank`, bank);
  }
  const [selector = "", field = ""] = select.split(".");
  if (find(selector)?.fields[field] === undefined)
    throw new DeclarationError(`${path}: ${select} is no field of its bank`, bank);
  for (const name of Object.values(behind))
    if (!banks.some((b) => b.options.movable?.register === name))
      throw new DeclarationError(`${path}: ${name} places no window`, bank);
}
