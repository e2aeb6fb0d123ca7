/** What an expression comes to in a compiled body: something known when the image is built, or a value of the machine. */
import type { ArrayDescriptor, StructDescriptor } from "../../dsl/core/layout.ts";
import type { Value } from "../ir/ir.ts";
import type { Interval } from "./interval.ts";

/** Build-time data: a primitive, an object, a function, a descriptor, a binding. */
export interface Known {
  readonly kind: "known";
  readonly value: unknown;
}
/** An integer; `value` is 32, 64 or 128 bits wide and read as signed where `range` holds negatives. */
export interface Int {
  readonly kind: "int";
  /** A `bigint` in the source, else a `number`. */
  readonly big: boolean;
  readonly range: Interval;
  readonly value: Value;
}
export interface Bool {
  readonly kind: "bool";
  readonly value: Value;
}
/** A reference to a struct. `descriptor` is undefined for a null of which nothing else is known yet. */
export interface StructOperand {
  readonly kind: "struct";
  readonly descriptor: StructDescriptor | undefined;
  readonly value: Value;
  readonly nullable: boolean;
}
export interface ArrayOperand {
  readonly kind: "array";
  readonly descriptor: ArrayDescriptor;
  readonly value: Value;
}
/** A by-value object; it never reaches memory as a whole. */
export interface RecordOperand {
  readonly kind: "record";
  readonly fields: ReadonlyMap<string, Operand>;
}
export interface Void {
  readonly kind: "void";
}

export type Operand = Known | Int | Bool | StructOperand | ArrayOperand | RecordOperand | Void;

export const known = (value: unknown): Known => ({ kind: "known", value });
export const nothing: Void = { kind: "void" };

/** The user's word for what an operand is. */
export function describe(operand: Operand): string {
  switch (operand.kind) {
    case "known": {
      const value = operand.value;
      if (value === null) return "null";
      if (typeof value === "function") return "a function";
      if (typeof value === "object") return "build-time data";
      return typeof value === "string" ? "a string" : `the ${typeof value} ${String(value)}`;
    }
    case "int":
      return operand.big ? "a bigint" : "a number";
    case "bool":
      return "a boolean";
    case "struct":
      return operand.descriptor === undefined ? "null" : `a ${operand.descriptor.name}`;
    case "array":
      return "an array";
    case "record":
      return "an object";
    case "void":
      return "nothing";
  }
}
