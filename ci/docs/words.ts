/** What the names in a device's model mean, in words. */
import type { FieldModel, HandlerKind, RegisterModel } from "../../dsl/device/model.ts";

/** What a guest's access does to each kind of field, in words. */
export const kindsInWords: Readonly<Record<FieldModel["kind"], string>> = {
  stored: "stored: reads as what was written",
  readOnly: "read-only: the device puts it there, a write leaves it",
  constant: "constant: always reads the same, a write leaves it",
  reserved: "reserved: reads as given, a write leaves it",
  writeOneToClear: "a written 1 clears it, a written 0 leaves it",
  writeOneToSet: "a written 1 sets it, a written 0 leaves it",
  readToClear: "a read clears it after it was taken, a write leaves it",
  selfClearing: "a written 1 acts once; it reads as 0",
  unimplemented:
    "not implemented: reads as 0, a write of anything else is counted, and the first one reported",
};

/** What a wrong write to reserved bits does, as the end of a sentence. */
export const wrongWrites: Readonly<Record<FieldModel["wrongWrite"], string>> = {
  ignore: "",
  report: "; a write of anything else is counted, and the first one reported",
  refuse: "; a write of anything else is refused with #GP",
};

/** What a guest may do with a register. */
export const accesses: Readonly<Record<RegisterModel["access"], string>> = {
  ro: "read-only",
  wo: "write-only",
  rw: "read and write",
};

/** What a device does beyond storing. */
export const handlersInWords: Readonly<Record<HandlerKind, string>> = {
  peek: "What it reads as is computed when it is read.",
  read: "Reading it acts.",
  write: "A write acts instead of being stored.",
  written: "A write is stored, and then acts.",
};

/** A number of an offset or a value: small ones as they are. */
export function hex(value: number): string {
  return value < 10 ? String(value) : `0x${value.toString(16)}`;
}

/** A sentence out of words: with a capital, and a full stop where there is none. */
export function sentence(text: string): string {
  return text === "" ? "" : `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith(".") ? "" : "."}`;
}
