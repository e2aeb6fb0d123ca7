import type { Descriptor } from "../../../dsl/core/layout.ts";
import { i32, i64, ptr, type IrType, type Value } from "../../ir/ir.ts";
import { memoryInt, type FunctionLowering } from "../function.ts";
import { u64Range, unsigned } from "../interval.ts";
import { carriedAt } from "../numeric.ts";
import { describe, nothing, type Operand } from "../operand.ts";
import type { Intrinsic } from "./index.ts";
import type { ts } from "ts-morph";

const widths = [8, 16, 32, 64] as const;
type Width = (typeof widths)[number];

function guard(f: FunctionLowering, node: ts.Node, name: string): void {
  if (f.strict) f.refuse("memory-in-model", node, { name });
}

function u64Of(f: FunctionLowering, operand: Operand, node: ts.Node): Value {
  const a = f.int(operand, node);
  if (!a.big) f.refuse("mixed-kinds", node);
  return carriedAt(f.b, f.fit(a, u64Range, "u64", node), 64);
}
function addressIn(f: FunctionLowering, operand: Operand, node: ts.Node): Value {
  return f.b.cast("inttoptr", u64Of(f, operand, node), ptr);
}

function loaded(f: FunctionLowering, bits: Width, from: Value, align: number, volatile: boolean): Operand {
  const raw = f.b.load(memoryInt(bits), from, align, volatile);
  return {
    kind: "int",
    big: bits === 64,
    range: unsigned(bits),
    value: bits < 32 ? f.b.cast("zext", raw, i32) : raw,
  };
}

/** A value of exactly `bits` for a store. */
export function stored(f: FunctionLowering, bits: Width, operand: Operand, node: ts.Node): Value {
  const a = f.fit(f.int(operand, node), unsigned(bits), `u${bits}`, node);
  if (a.big !== (bits === 64)) f.refuse("mixed-kinds", node);
  const carried = carriedAt(f.b, a, bits === 64 ? 64 : 32);
  const type: IrType = memoryInt(bits);
  return bits < 32 ? f.b.cast("trunc", carried, type) : carried;
}

function accesses(prefix: string, volatile: boolean): (readonly [string, Intrinsic])[] {
  return widths.flatMap((bits): (readonly [string, Intrinsic])[] => [
    [
      `${prefix}load${bits}`,
      (f, node, nodes, argument) => {
        guard(f, node, `load${bits}`);
        return loaded(f, bits, addressIn(f, argument(0), nodes[0]!), volatile ? bits / 8 : 1, volatile);
      },
    ],
    [
      `${prefix}store${bits}`,
      (f, node, nodes, argument) => {
        guard(f, node, `store${bits}`);
        const to = addressIn(f, argument(0), nodes[0]!);
        f.b.store(stored(f, bits, argument(1), nodes[1]!), to, volatile ? bits / 8 : 1, volatile);
        return nothing;
      },
    ],
  ]);
}

export const memoryIntrinsics: readonly (readonly [string, Intrinsic])[] = [
  ...accesses("", false),
  ...accesses("volatile.", true),
  [
    "addressOf",
    (f, node, nodes, argument) => {
      guard(f, node, "addressOf");
      const operand = argument(0);
      if (operand.kind !== "struct" && operand.kind !== "array")
        return f.refuse("no-address", nodes[0] ?? node, { what: describe(operand) });
      return { kind: "int", big: true, range: u64Range, value: f.b.cast("ptrtoint", operand.value, i64) };
    },
  ],
  [
    "viewOf",
    (f, node, nodes, argument) => {
      guard(f, node, "viewOf");
      const type = argument(0);
      if (type.kind !== "known")
        return f.refuse("not-known", nodes[0] ?? node, { what: "the type of viewOf" });
      const descriptor = type.value as Descriptor;
      const value = addressIn(f, argument(1), nodes[1]!);
      if (descriptor.kind === "struct") return { kind: "struct", descriptor, nullable: false, value };
      if (descriptor.kind === "array") return { kind: "array", descriptor, value };
      return f.refuse("not-known", nodes[0] ?? node, { what: "the type of viewOf" });
    },
  ],
  [
    "copyBytes",
    (f, node, nodes, argument) => {
      guard(f, node, "copyBytes");
      const to = addressIn(f, argument(0), nodes[0]!);
      const from = addressIn(f, argument(1), nodes[1]!);
      f.b.copy(to, from, u64Of(f, argument(2), nodes[2]!));
      return nothing;
    },
  ],
  [
    "fillBytes",
    (f, node, nodes, argument) => {
      guard(f, node, "fillBytes");
      const to = addressIn(f, argument(0), nodes[0]!);
      const fill = stored(f, 8, argument(1), nodes[1]!);
      f.b.fill(to, fill, u64Of(f, argument(2), nodes[2]!));
      return nothing;
    },
  ],
  [
    "fence",
    (f, node) => {
      guard(f, node, "fence");
      f.b.fence("seqcst");
      return nothing;
    },
  ],
];
