/** Fields and elements: how a descriptor's value is read from memory and written to it. */
import type { ts } from "ts-morph";
import type { Descriptor } from "../../dsl/core/layout.ts";
import { constant } from "../ir/builder.ts";
import { i32, i64, i8, ptr, type Value } from "../ir/ir.ts";
import { memoryInt, type FunctionLowering } from "./function.ts";
import { carriedAt } from "./numeric.ts";
import { describe, type Operand } from "./operand.ts";

/** Reads a field or an element of a descriptor's type at an address. */
export function loadField(
  f: FunctionLowering,
  descriptor: Descriptor,
  at: Value,
  align = descriptor.align,
): Operand {
  switch (descriptor.kind) {
    case "int": {
      const raw = f.b.load(memoryInt(descriptor.bits), at, align);
      const carried = descriptor.bits === 64 ? 64 : 32;
      const value = descriptor.bits >= 32 ? raw : f.b.cast("zext", raw, i32);
      const range = descriptor.signed
        ? { lo: -(1n << BigInt(descriptor.bits - 1)), hi: (1n << BigInt(descriptor.bits - 1)) - 1n }
        : { lo: 0n, hi: (1n << BigInt(descriptor.bits)) - 1n };
      return { kind: "int", big: carried === 64, range, value };
    }
    case "bool":
      return { kind: "bool", value: f.b.compare("ne", f.b.load(i8, at, 1), constant(i8, 0n)) };
    case "ref":
      return {
        kind: "struct",
        descriptor: descriptor.target(),
        nullable: true,
        value: f.b.cast("inttoptr", f.b.load(i64, at, align), ptr),
      };
    case "struct":
      return { kind: "struct", descriptor, nullable: false, value: at };
    case "array":
      return { kind: "array", descriptor, value: at };
  }
}

/** Writes a scalar field or element. */
export function storeField(
  f: FunctionLowering,
  descriptor: Descriptor,
  at: Value,
  operand: Operand,
  node: ts.Node,
  align = descriptor.align,
): void {
  switch (descriptor.kind) {
    case "int": {
      const a = f.int(operand, node);
      if (a.big !== (descriptor.bits === 64)) f.refuse("mixed-kinds", node, {});
      const range = descriptor.signed
        ? { lo: -(1n << BigInt(descriptor.bits - 1)), hi: (1n << BigInt(descriptor.bits - 1)) - 1n }
        : { lo: 0n, hi: (1n << BigInt(descriptor.bits)) - 1n };
      f.fit(a, range, descriptor.name, node);
      const carried = carriedAt(f.b, a, descriptor.bits === 64 ? 64 : 32);
      f.b.store(
        descriptor.bits >= 32 ? carried : f.b.cast("trunc", carried, memoryInt(descriptor.bits)),
        at,
        align,
      );
      return;
    }
    case "bool":
      f.b.store(f.b.cast("zext", f.bool(operand, node), i8), at, 1);
      return;
    case "ref": {
      if (operand.kind === "known" && operand.value === null) f.b.store(constant(i64, 0n), at, align);
      else if (operand.kind === "struct") f.b.store(f.b.cast("ptrtoint", operand.value, i64), at, align);
      else f.refuse("mixed-shapes", node, { what: describe(operand) });
      return;
    }
    default:
      f.refuse("assign-aggregate", node, { what: descriptor.kind });
  }
}
