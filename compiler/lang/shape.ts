/**
 * Shapes: how an operand is carried where its value is not known, that is through parameters, results and mutable
 * locals. A shape flattens to zero or more IR values.
 */
import type { ArrayDescriptor, StructDescriptor } from "../../dsl/core/layout.ts";
import { i1, i128, i32, i64, ptr, type IrType } from "../ir/ir.ts";
import { contains, i32Range, i64Range, join, point, u32Range, u64Range, type Interval } from "./interval.ts";
import type { Operand } from "./operand.ts";

export type Shape =
  | { readonly kind: "known"; readonly value: unknown }
  | { readonly kind: "int"; readonly big: boolean; readonly range: Interval; readonly bits: 32 | 64 | 128 }
  | { readonly kind: "bool" }
  | { readonly kind: "struct"; readonly descriptor: StructDescriptor | undefined; readonly nullable: boolean }
  | { readonly kind: "array"; readonly descriptor: ArrayDescriptor }
  | { readonly kind: "record"; readonly fields: ReadonlyMap<string, Shape> }
  | { readonly kind: "void" };

/** The narrowest width in which a range is carried; undefined beyond 128 bits. */
export function bitsFor(range: Interval, big: boolean): 32 | 64 | 128 | undefined {
  if (!big && (contains(i32Range, range) || contains(u32Range, range))) return 32;
  if (contains(i64Range, range) || contains(u64Range, range)) return 64;
  return contains({ lo: -(1n << 127n), hi: (1n << 127n) - 1n }, range) ||
    contains({ lo: 0n, hi: (1n << 128n) - 1n }, range)
    ? 128
    : undefined;
}

export const irInt = (bits: 32 | 64 | 128): IrType => (bits === 32 ? i32 : bits === 64 ? i64 : i128);

/** The IR types that a shape flattens to. */
export function irTypes(shape: Shape): IrType[] {
  switch (shape.kind) {
    case "known":
    case "void":
      return [];
    case "int":
      return [irInt(shape.bits)];
    case "bool":
      return [i1];
    case "struct":
    case "array":
      return [ptr];
    case "record":
      return [...shape.fields.values()].flatMap(irTypes);
  }
}

/** The shape in which one operand can be carried as it is. */
export function shapeOf(operand: Operand): Shape {
  switch (operand.kind) {
    case "known": {
      const value = operand.value;
      // A fraction stays known: what must be an integer refuses it.
      if (typeof value === "bigint" || Number.isSafeInteger(value)) {
        const range = point(BigInt(value as number | bigint));
        return {
          kind: "int",
          big: typeof value === "bigint",
          range,
          bits: bitsFor(range, typeof value === "bigint") ?? 128,
        };
      }
      if (typeof value === "boolean") return { kind: "bool" };
      if (value === null) return { kind: "struct", descriptor: undefined, nullable: true };
      return { kind: "known", value };
    }
    case "int":
      return {
        kind: "int",
        big: operand.big,
        range: operand.range,
        bits: bitsFor(operand.range, operand.big) ?? 128,
      };
    case "bool":
      return { kind: "bool" };
    case "struct":
      return { kind: "struct", descriptor: operand.descriptor, nullable: operand.nullable };
    case "array":
      return { kind: "array", descriptor: operand.descriptor };
    case "record":
      return {
        kind: "record",
        fields: new Map([...operand.fields].map(([name, field]) => [name, shapeOf(field)])),
      };
    case "void":
      return { kind: "void" };
  }
}

/** The shape that carries either; undefined where the two have nothing in common. */
export function joinShapes(a: Shape, b: Shape): Shape | undefined {
  if (a.kind === "int" && b.kind === "int" && a.big === b.big) {
    const range = join(a.range, b.range);
    const bits = bitsFor(range, a.big);
    return bits === undefined ? undefined : { kind: "int", big: a.big, range, bits };
  }
  if (a.kind === "bool" && b.kind === "bool") return a;
  if (a.kind === "void" && b.kind === "void") return a;
  if (a.kind === "struct" && b.kind === "struct") {
    if (a.descriptor !== undefined && b.descriptor !== undefined && !sameLayout(a.descriptor, b.descriptor))
      return undefined;
    return { kind: "struct", descriptor: a.descriptor ?? b.descriptor, nullable: a.nullable || b.nullable };
  }
  if (a.kind === "array" && b.kind === "array") return a.descriptor === b.descriptor ? a : undefined;
  if (a.kind === "known" && b.kind === "known") return Object.is(a.value, b.value) ? a : undefined;
  if (a.kind === "record" && b.kind === "record") {
    const fields = new Map<string, Shape>();
    if (a.fields.size !== b.fields.size) return undefined;
    for (const [name, shape] of a.fields) {
      const other = b.fields.get(name);
      const joined = other && joinShapes(shape, other);
      if (joined === undefined) return undefined;
      fields.set(name, joined);
    }
    return { kind: "record", fields };
  }
  return undefined;
}

/** Whether two descriptors are one struct, seen with more or fewer methods. */
export function sameLayout(a: StructDescriptor, b: StructDescriptor): boolean {
  return a === b || a.fields === b.fields;
}

/** A text that is equal for equal shapes: part of a specialisation's key. */
export function shapeKey(shape: Shape, identity: (value: unknown) => string): string {
  switch (shape.kind) {
    case "known":
      return `=${identity(shape.value)}`;
    case "int":
      return `${shape.big ? "n" : "i"}${shape.range.lo}:${shape.range.hi}`;
    case "bool":
      return "b";
    case "struct":
      return `${shape.nullable ? "?" : "*"}${shape.descriptor === undefined ? "" : identity(shape.descriptor)}`;
    case "array":
      return `[${identity(shape.descriptor)}`;
    case "record":
      return `{${[...shape.fields].map(([name, field]) => `${name}:${shapeKey(field, identity)}`).join()}}`;
    case "void":
      return "v";
  }
}
