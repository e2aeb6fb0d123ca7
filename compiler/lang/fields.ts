/** Fields and elements: how a descriptor's value is read from memory and written to it. */
import type { ts } from "ts-morph";
import type { StoreObserver } from "../../dsl/core/int.ts";
import type { Descriptor } from "../../dsl/core/layout.ts";
import { constant } from "../ir/builder.ts";
import { i32, i64, i8, ptr, type Value } from "../ir/ir.ts";
import { callKnown } from "./expressions/call.ts";
import { memoryInt, type FunctionLowering } from "./function.ts";
import { u64Range } from "./interval.ts";
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
      const value = descriptor.bits >= 32 ? carried : f.b.cast("trunc", carried, memoryInt(descriptor.bits));
      storeScalar(f, value, at, align, descriptor.observer, node);
      return;
    }
    case "bool":
      storeScalar(f, f.b.cast("zext", f.bool(operand, node), i8), at, 1, descriptor.observer, node);
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

/** Stores, and lets an observer know if that is a change. */
function storeScalar(
  f: FunctionLowering,
  value: Value,
  at: Value,
  align: number,
  observer: StoreObserver | undefined,
  node: ts.Node,
): void {
  if (observer === undefined) return f.b.store(value, at, align);
  const before = f.b.load(value.type, at, align);
  const changes = f.b.block("changes");
  const done = f.b.block("stored");
  f.b.branch(f.b.compare("ne", before, value), changes, done);
  f.b.place(changes);
  f.b.store(value, at, align);
  const word = (of: Value): Operand => ({ kind: "int", big: true, range: u64Range, value: of });
  const wide = value.type.kind === "int" && value.type.bits === 64 ? value : f.b.cast("zext", value, i64);
  const told = [word(f.b.cast("ptrtoint", at, i64)), word(wide)];
  f.program.observes(observer);
  callKnown(f, observer, told, node, [node, node]);
  f.b.jump(done);
  f.b.place(done);
}
