/** The windows of a device: how accesses of each width reach a bank, and where a window lies that the guest places. */
import { u32, u64, type u8 } from "../core/int.ts";
import type { AnyBank, ByteAnswers, Movable, Passage, Space } from "./bank.ts";
import { board } from "./board.ts";
import { fieldMask, type Cells, type WideCells } from "./cell.ts";
import type { UnitAccess } from "./dispatch.ts";
import { holeOf, sizeOf } from "./model.ts";
import type { MsrAccess } from "./msr.ts";
import {
  byteWindow,
  doubleWordWindow,
  overlaidWindow,
  quadWordWindow,
  withHalves,
  wordWindow,
  type WindowAccess,
} from "./window.ts";

type AnyBanks = Readonly<Record<string, AnyBank>>;

/** A window of a device. Offsets count from its base; widths are 1, 2 or 4 bytes, 8 through `read64` and `write64`. */
export interface DeviceWindow<U> {
  readonly space: Space;
  readonly sizeBytes: number;
  /** How often a guest uses it: the weights of its registers. */
  readonly weight: number;
  readonly read: (self: U, offset: u32, width: u8) => u32;
  readonly write: (self: U, offset: u32, width: u8, value: u32) => void;
  readonly read64: (self: U, offset: u32) => u64;
  readonly write64: (self: U, offset: u32, value: u64) => void;
  /** What a debugger sees of one unit; changes nothing. */
  readonly peek: (self: U, offset: u32) => u32 | u64;
  /** Of a window that the guest places: where it lies now. */
  readonly movable: MovableWindow<U> | undefined;
  /** A bank of MSRs: accesses that may be refused. */
  readonly msr: MsrAccess<U> | undefined;
}

/** Where a window lies that a register places. */
export interface MovableWindow<U> {
  readonly base: (self: U) => u64;
  /** Whether it is there at all. */
  readonly enabled: (self: U) => boolean;
}

/** The access to a bank, by the width of its units and what it does with other widths. */
export function accessOf(
  bank: AnyBank,
  unit: UnitAccess<u32> | UnitAccess<u64>,
  banks: AnyBanks,
  units: ReadonlyMap<AnyBank, UnitAccess<u32> | UnitAccess<u64>>,
): WindowAccess {
  const hole = holeOf(bank);
  const { narrow } = bank.options;
  if (typeof narrow === "object") {
    const bytes = banks[narrow.bytes] as AnyBank;
    return overlaidWindow(unit as UnitAccess<u32>, units.get(bytes) as UnitAccess<u32>, u32(holeOf(bytes)));
  }
  const widths = { narrow: narrow ?? "merge", wide: bank.options.wide ?? "split" } as const;
  if (bank.unit.bits === 64) return quadWordWindow(unit as UnitAccess<u64>, widths, hole);
  const window = { 8: byteWindow, 16: wordWindow, 32: doubleWordWindow }[bank.unit.bits as 8 | 16 | 32];
  return window(unit as UnitAccess<u32>, widths, u32(hole));
}

/** Where a movable window lies, out of the registers that say so. */
function movableOf({ register, field, offset, enabled }: Movable, banks: AnyBanks): MovableWindow<unknown> {
  const find = (name: string) =>
    Object.values(banks)
      .flatMap((bank) => bank.entries.map((e) => ({ ...e, width: e.register.width ?? bank.unit })))
      .find((e) => e.name === name)!;
  const [flagRegister, flag] = enabled.split(".") as [string, string];
  const placing = find(register);
  const mask = fieldMask(placing.register.fields[field]!);
  const narrowMask = u32(mask);
  const inside = BigInt(offset);
  const shift: u8 = find(flagRegister).register.fields[flag]!.lsb;
  const base =
    placing.width.bits === 64
      ? (self: WideCells): u64 => u64((self[register].value & mask) + inside)
      : (self: Cells): u64 => u64(BigInt(u32(self[register].value & narrowMask)) + inside);
  return Object.freeze({
    base: base as (self: unknown) => u64,
    enabled: ((self: Cells): boolean => ((self[flagRegister].value >>> shift) & 1) !== 0) as (
      self: unknown,
    ) => boolean,
  });
}

/** The access functions of a window that passes accesses on to configuration space. */
function passing(to: Passage): Omit<DeviceWindow<unknown>, "space" | "sizeBytes" | "weight" | "movable"> {
  const target = to as (self: unknown, offset: u32) => u32;
  const read = (self: Cells, offset: u32, width: u8): u32 =>
    board.readConfiguration(target(self, offset), width);
  const write = (self: Cells, offset: u32, width: u8, value: u32): void =>
    board.writeConfiguration(target(self, offset), width, value);
  // What lies behind is looked at where it is.
  return { ...withHalves(read, write), peek: (_self: unknown, _offset: u32): u32 => 0xffff_ffff } as never;
}

/** The access functions of a window where the device answers by the offset. */
function answering({ read, write }: ByteAnswers) {
  const get = read as unknown as (self: Cells, offset: u32) => u32;
  const put = write as unknown as (self: Cells, offset: u32, value: u32) => void;
  const unit = { read: get, write: put, peek: get, background: get };
  return { ...byteWindow(unit, { narrow: "merge", wide: "split" }, 0), peek: get };
}

/** The windows of a device, by bank; banks behind an index and overlays have none. */
export function windowsOf(
  banks: AnyBanks,
  units: ReadonlyMap<AnyBank, UnitAccess<u32> | UnitAccess<u64>>,
  msrs: ReadonlyMap<AnyBank, MsrAccess>,
): Record<string, DeviceWindow<unknown>> {
  const windows: Record<string, DeviceWindow<unknown>> = {};
  for (const [bankName, bank] of Object.entries(banks)) {
    const unit = units.get(bank);
    if (bank.indirection !== undefined || bank.overlay || unit === undefined) continue;
    const { movable } = bank.options;
    windows[bankName] = Object.freeze({
      space: bank.options.space ?? "port",
      sizeBytes: sizeOf(bank),
      weight: bank.entries.reduce((sum, { register }) => sum + register.weight, 0),
      movable: movable && movableOf(movable, banks),
      ...(bank.answers !== undefined
        ? answering(bank.answers)
        : bank.passage === undefined
          ? { ...accessOf(bank, unit, banks, units), peek: unit.peek }
          : passing(bank.passage)),
      msr: msrs.get(bank),
    }) as unknown as DeviceWindow<unknown>;
  }
  return windows;
}
