/** Shapes of places that the source declares: parameters, results and mutable locals. */
import { ts } from "ts-morph";
import { declaredType, plainRange, type Declared } from "./declared.ts";
import { contains, i32Range, i64Range, u32Range, u64Range, unsigned } from "./interval.ts";
import type { Shape } from "./shape.ts";

/** An integer's shape where a type is declared for it; a `number` or `bigint` without a width takes what is `plain`. */
function intShape(declared: Declared, own: Extract<Shape, { kind: "int" }>, plain: "widest" | "own"): Shape {
  if (declared.kind === "int" && declared.big === own.big)
    return { kind: "int", big: own.big, range: declared.range, bits: own.big ? 64 : 32 };
  return plain === "own"
    ? own
    : { kind: "int", big: own.big, range: plainRange(own.big), bits: own.big ? 128 : 64 };
}

/**
 * An integer's shape where its type is a type parameter: the narrowest type that holds it, so that it still fits where
 * it goes.
 */
function genericShape(own: Extract<Shape, { kind: "int" }>): Shape {
  const ranges = own.big ? [u64Range, i64Range] : [unsigned(8), unsigned(16), u32Range, i32Range];
  const range = ranges.find((r) => contains(r, own.range));
  return range === undefined
    ? intShape({ kind: "other" }, own, "widest")
    : { kind: "int", big: own.big, range, bits: own.big ? 64 : 32 };
}

/**
 * The shape of a place of a declared type for an operand of a shape: integers take the interval of their type, in
 * records too; everything else is carried as it is. Where no width is declared, an integer that is `"own"` keeps the
 * interval that was inferred, and one that is `"widest"` may become anything.
 */
export function placeShape(
  checker: ts.TypeChecker,
  type: ts.Type,
  own: Shape,
  at: ts.Node,
  plain: "widest" | "own",
): Shape {
  if (own.kind === "int")
    return type.flags & ts.TypeFlags.TypeParameter
      ? genericShape(own)
      : intShape(declaredType(checker, type), own, plain);
  if (own.kind !== "record") return own;
  const object = checker.getNonNullableType(type);
  const fields = [...own.fields].map(([name, shape]): [string, Shape] => {
    const property = object.getProperty(name);
    if (property === undefined)
      return [name, shape.kind === "int" ? intShape({ kind: "other" }, shape, plain) : shape];
    return [name, placeShape(checker, checker.getTypeOfSymbolAtLocation(property, at), shape, at, plain)];
  });
  return { kind: "record", fields: new Map(fields) };
}
