/** What a declared TypeScript type says about an integer, a boolean, or nothing at all. */
import { ts } from "ts-morph";
import { i32Range, i64Range, safeNumber, unsigned, type Interval } from "./interval.ts";

/** A declared type as far as lowering reads it. */
export type Declared =
  | { readonly kind: "int"; readonly name: string; readonly big: boolean; readonly range: Interval }
  /** A `number` or `bigint` without a width. */
  | { readonly kind: "plain"; readonly big: boolean }
  | { readonly kind: "bool" }
  | { readonly kind: "void" }
  | { readonly kind: "never" }
  | { readonly kind: "other" };

const byWidth = new Map<number, { name: string; big: boolean; range: Interval }>([
  [8, { name: "u8", big: false, range: unsigned(8) }],
  [16, { name: "u16", big: false, range: unsigned(16) }],
  [32, { name: "u32", big: false, range: unsigned(32) }],
  [-32, { name: "i32", big: false, range: i32Range }],
  [64, { name: "u64", big: true, range: unsigned(64) }],
  [-64, { name: "i64", big: true, range: i64Range }],
]);

/** The width that a brand allows: the largest of its literals, or the negative one. */
function brandWidth(checker: ts.TypeChecker, type: ts.Type): number | undefined {
  if (!type.isIntersection()) return undefined;
  for (const part of type.types) {
    for (const property of part.getProperties()) {
      if (!property.escapedName.toString().startsWith("__@width@")) continue;
      const brand = checker.getTypeOfSymbol(property);
      const widths = (brand.isUnion() ? brand.types : [brand])
        .filter((t) => t.isNumberLiteral())
        .map((t) => t.value);
      return widths.find((w) => w < 0) ?? Math.max(...widths);
    }
  }
  return undefined;
}

const bigValue = (v: ts.PseudoBigInt): bigint => (v.negative ? -1n : 1n) * BigInt(v.base10Value);

export function declaredType(checker: ts.TypeChecker, type: ts.Type): Declared {
  const flags = type.flags;
  if (flags & ts.TypeFlags.Never) return { kind: "never" };
  if (flags & (ts.TypeFlags.Void | ts.TypeFlags.Undefined)) return { kind: "void" };
  if (flags & ts.TypeFlags.BooleanLike) return { kind: "bool" };
  const width = brandWidth(checker, type);
  if (width !== undefined) {
    const int = byWidth.get(width);
    if (int !== undefined) return { kind: "int", ...int };
  }
  if (flags & ts.TypeFlags.Number) return { kind: "plain", big: false };
  if (flags & ts.TypeFlags.BigInt) return { kind: "plain", big: true };
  const parts = type.isUnion() ? type.types : [type];
  const ranges: Interval[] = [];
  let big = false;
  let name = "";
  for (const part of parts) {
    if (part.isNumberLiteral() && Number.isInteger(part.value))
      ranges.push({ lo: BigInt(part.value), hi: BigInt(part.value) });
    else if (part.flags & ts.TypeFlags.BigIntLiteral) {
      const value = bigValue((part as ts.BigIntLiteralType).value);
      ranges.push({ lo: value, hi: value });
      big = true;
    } else if (
      part.flags & ts.TypeFlags.BooleanLike &&
      parts.every((p) => p.flags & ts.TypeFlags.BooleanLike)
    )
      return { kind: "bool" };
    else {
      const inner = parts.length > 1 ? declaredType(checker, part) : undefined;
      if (inner?.kind !== "int" && inner?.kind !== "plain") return { kind: "other" };
      if (inner.kind === "plain") return inner;
      ranges.push(inner.range);
      big = inner.big;
      name = inner.name;
    }
  }
  const lo = ranges.reduce((a, r) => (r.lo < a ? r.lo : a), ranges[0]!.lo);
  const hi = ranges.reduce((a, r) => (r.hi > a ? r.hi : a), ranges[0]!.hi);
  return { kind: "int", name: name || checker.typeToString(type), big, range: { lo, hi } };
}

/** The interval of values that a plain `number` may reach; a plain `bigint` has 128 bits. */
export const plainRange = (big: boolean): Interval =>
  big ? { lo: -(1n << 127n), hi: (1n << 127n) - 1n } : safeNumber;
