import type { ts } from "ts-morph";
import type { AsmDefinition } from "../../../platforms/asm.ts";
import { constant, symbolAddress } from "../../ir/builder.ts";
import { i32, i64, i8, ptr, voidType, type IrType, type Value } from "../../ir/ir.ts";
import { memoryInt, type FunctionLowering } from "../function.ts";
import { u64Range } from "../interval.ts";
import { carriedAt } from "../numeric.ts";
import { nothing, type Operand } from "../operand.ts";
import type { Intrinsic } from "./index.ts";

type Scalar = AsmDefinition["params"][number];
const irOf = (type: Scalar): IrType => (type.kind === "bool" ? i8 : memoryInt(type.bits));

/** Passes a scalar at exactly its width. */
function pass(f: FunctionLowering, type: Scalar, operand: Operand, node: ts.Node): Value {
  if (type.kind === "bool") return f.b.cast("zext", f.bool(operand, node), i8);
  const a = f.int(operand, node);
  const big = type.bits === 64;
  if (a.big !== big) f.refuse("mixed-kinds", node);
  const range = type.signed
    ? { lo: -(1n << BigInt(type.bits - 1)), hi: (1n << BigInt(type.bits - 1)) - 1n }
    : { lo: 0n, hi: (1n << BigInt(type.bits)) - 1n };
  const carried = carriedAt(f.b, f.fit(a, range, type.name, node), big ? 64 : 32);
  return type.bits < 32 ? f.b.cast("trunc", carried, memoryInt(type.bits)) : carried;
}

/** A scalar at its width as an operand. */
function received(f: FunctionLowering, type: Scalar, value: Value): Operand {
  if (type.kind === "bool") return { kind: "bool", value: f.b.compare("ne", value, constant(i8, 0n)) };
  const range = type.signed
    ? { lo: -(1n << BigInt(type.bits - 1)), hi: (1n << BigInt(type.bits - 1)) - 1n }
    : { lo: 0n, hi: (1n << BigInt(type.bits)) - 1n };
  return {
    kind: "int",
    big: type.bits === 64,
    range,
    value: type.bits < 32 ? f.b.cast("zext", value, i32) : value,
  };
}

/** Lowers a call of an inline-assembly site. */
export function lowerAsm(
  f: FunctionLowering,
  fn: object,
  asm: AsmDefinition,
  operands: readonly Operand[],
  node: ts.Node,
  nodes: readonly ts.Node[],
): Operand {
  if (f.stratum !== "platform")
    f.refuse("asm-outside-platform", node, { name: node.getText().split("(")[0]! });
  const values = asm.params.map((type, i) => {
    const operand = operands[i];
    if (operand === undefined) return f.refuse("missing-argument", node, { name: `operand ${i}` });
    return pass(f, type, operand, nodes[i] ?? node);
  });
  const result = asm.result === undefined ? voidType : irOf(asm.result);
  const site = f.program.asmSite(fn, {
    template: asm.template,
    constraints: asm.constraints,
    params: asm.params.map(irOf),
    result,
    sideEffects: asm.sideEffects,
    loc: f.locOf(node),
  });
  const value = f.b.callAsm(site, result, values);
  return asm.result === undefined ? nothing : received(f, asm.result, value);
}

const address = (value: Value): Operand => ({ kind: "int", big: true, range: u64Range, value });

export const assemblyIntrinsics: readonly (readonly [string, Intrinsic])[] = [
  [
    "addressOfFunction",
    (f, node, nodes, argument) => {
      const fn = argument(0);
      if (fn.kind !== "known" || typeof fn.value !== "function")
        return f.refuse("not-known", nodes[0] ?? node, { what: "the function" });
      const symbol = f.program.exports.functionSymbol(fn.value, (code, args) =>
        f.refuse(code, nodes[0] ?? node, args),
      );
      return address(f.b.cast("ptrtoint", symbolAddress(symbol), i64));
    },
  ],
  ["imageBase", (f) => address(f.b.cast("ptrtoint", symbolAddress("__ImageBase"), i64))],
  [
    "callFirmware",
    (f, node, nodes, argument) => {
      const values = nodes.map((argNode, i) => {
        const a = f.int(argument(i), argNode);
        if (!a.big) f.refuse("mixed-kinds", argNode);
        return carriedAt(f.b, a, 64);
      });
      const [fn, ...rest] = values;
      if (fn === undefined) return f.refuse("missing-argument", node, { name: "fn" });
      return address(f.b.callPointer(f.b.cast("inttoptr", fn, ptr), i64, rest));
    },
  ],
];
