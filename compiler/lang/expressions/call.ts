import { ts } from "ts-morph";
import type { IntDescriptor } from "../../../dsl/core/int.ts";
import { truncate } from "../arithmetic.ts";
import type { FunctionLowering } from "../function.ts";
import { contains, join, show, signed, unsigned } from "../interval.ts";
import { intrinsics } from "../intrinsics/index.ts";
import { lowerGlobalCall } from "../intrinsics/global.ts";
import { lowerAsm } from "../intrinsics/assembly.ts";
import { globalName, operandOf } from "../known.ts";
import { carriedAt, compare, literal } from "../numeric.ts";
import { describe, known, type Operand } from "../operand.ts";
import { lowerWrapping } from "../wrapping.ts";

export function lowerCall(f: FunctionLowering, node: ts.CallExpression): Operand {
  if (node.questionDotToken !== undefined) f.refuse("unsupported", node, { what: "an optional call" });
  for (const argument of node.arguments) if (ts.isSpreadElement(argument)) f.refuse("spread", argument);
  const global = globalName(f, node.expression);
  if (global !== undefined) return lowerGlobalCall(f, global, node);
  const callee = node.expression;
  if (ts.isPropertyAccessExpression(callee)) {
    const object = f.expression(callee.expression);
    const name = callee.name.text;
    if (
      object.kind === "struct" &&
      object.descriptor !== undefined &&
      !object.descriptor.fields.some((d) => d.name === name)
    ) {
      if (object.nullable) f.refuse("null-here", callee);
      const method = object.descriptor.methods[name];
      if (method !== undefined)
        return callFunction(
          f,
          method,
          node,
          [object, ...args(f, node)],
          [callee.expression, ...node.arguments],
        );
    }
    if (object.kind === "known" && isInt(object.value) && name === "checked")
      return lowerChecked(f, object.value, node);
    if (object.kind === "known" && object.value !== null && object.value !== undefined) {
      f.typed(node);
      return callOperand(f, operandOf(f, (object.value as Record<string, unknown>)[name], callee), node);
    }
    return f.refuse("no-such-member", callee, { name, type: describe(object) });
  }
  return callOperand(f, f.expression(callee), node);
}

const args = (f: FunctionLowering, node: ts.CallExpression): Operand[] =>
  node.arguments.map((argument) => f.expression(argument));

function isInt(value: unknown): value is IntDescriptor<unknown> {
  return typeof value === "function" && (value as Partial<IntDescriptor<unknown>>).kind === "int";
}

function callOperand(f: FunctionLowering, callee: Operand, node: ts.CallExpression): Operand {
  if (callee.kind !== "known" || typeof callee.value !== "function")
    return f.refuse("indirect-call", node.expression, { name: node.expression.getText() });
  const fn = callee.value;
  if (isInt(fn)) return lowerConversion(f, fn, node);
  const intrinsic = f.front.core.intrinsics.intrinsicName(fn);
  if (intrinsic !== undefined) {
    const lower = intrinsics.get(intrinsic);
    if (lower === undefined) return f.refuse("unsupported", node, { what: `the intrinsic ${intrinsic}` });
    return lower(f, node, node.arguments, (i) => f.expression(node.arguments[i]!));
  }
  return callFunction(f, fn, node, args(f, node), node.arguments);
}

/** Calls a function value that is known, with operands that are there already. */
export function callKnown(
  f: FunctionLowering,
  fn: object,
  operands: readonly Operand[],
  node: ts.Node,
  nodes: readonly ts.Node[],
): Operand {
  return callFunction(f, fn, node, operands, nodes);
}

function callFunction(
  f: FunctionLowering,
  fn: object,
  node: ts.Node,
  operands: readonly Operand[],
  nodes: readonly ts.Node[],
): Operand {
  if (f.env === undefined) return { kind: "void" };
  const intrinsic = f.front.core.intrinsics.intrinsicName(fn);
  if (intrinsic !== undefined) {
    const lower = intrinsics.get(intrinsic);
    if (lower === undefined) return f.refuse("unsupported", node, { what: `the intrinsic ${intrinsic}` });
    return lower(f, node, nodes, (i) => operands[i]!);
  }
  const asm = f.front.core.asm?.asmDefinition(fn);
  if (asm !== undefined) return lowerAsm(f, fn, asm, operands, node, nodes);
  if (f.front.core.asm?.nakedDefinition(fn) !== undefined) return f.refuse("call-naked", node);
  const site = f.front.site(fn);
  if (site === undefined)
    return f.refuse("not-compiled", node, { name: (fn as { name?: string }).name ?? "a function" });
  return f.program.call(f, fn, site, operands, node, nodes);
}

/** `u8(x)`: truncates. Under `u64(…)` and `i64(…)`, arithmetic wraps. */
function lowerConversion(
  f: FunctionLowering,
  type: IntDescriptor<unknown>,
  node: ts.CallExpression,
): Operand {
  const [argument] = node.arguments;
  if (argument === undefined) return f.refuse("missing-argument", node, { name: "value" });
  const operand = type.bits === 64 ? lowerWrapping(f, argument) : f.expression(argument);
  if (operand.kind === "known" && (typeof operand.value === "number" || typeof operand.value === "bigint")) {
    if (typeof operand.value === "number" && !Number.isSafeInteger(operand.value))
      f.refuse("float", argument, { value: String(operand.value) });
    const value = type.signed
      ? BigInt.asIntN(type.bits, BigInt(operand.value))
      : BigInt.asUintN(type.bits, BigInt(operand.value));
    return known(type.bits === 64 ? value : Number(value));
  }
  return truncate(f, f.int(operand, argument), type);
}

/** `u8.checked(x)`: traps where the value does not fit. */
function lowerChecked(f: FunctionLowering, type: IntDescriptor<unknown>, node: ts.CallExpression): Operand {
  const [argument] = node.arguments;
  if (argument === undefined) return f.refuse("missing-argument", node, { name: "value" });
  if (f.strict) f.refuse("trap-in-model", node, { name: `${type.name}.checked` });
  const a = f.int(f.expression(argument), argument);
  const range = type.signed ? signed(type.bits) : unsigned(type.bits);
  const big = type.bits === 64;
  if (!contains(range, a.range)) {
    for (const [operator, end] of [
      ["<=", range.hi],
      [">=", range.lo],
    ] as const) {
      if (operator === "<=" ? a.range.hi <= end : a.range.lo >= end) continue;
      const fits = f.b.block("fits");
      const tooBig = f.b.block("unfit");
      const bound = literal(end, a.big);
      const holds =
        compare(f.b, operator, a, bound) ??
        f.refuse("beyond-128", argument, { range: show(join(a.range, bound.range)) });
      f.b.branch(holds, fits, tooBig, true);
      f.b.place(tooBig);
      f.trap(`a value outside ${show(range)} does not fit ${type.name}`, node);
      f.b.place(fits);
    }
  }
  const lo = a.range.lo > range.lo ? a.range.lo : range.lo;
  const hi = a.range.hi < range.hi ? a.range.hi : range.hi;
  if (lo > hi) f.refuse("may-not-fit", argument, { range: show(a.range), type: type.name });
  return { kind: "int", big, range: { lo, hi }, value: carriedAt(f.b, a, big ? 64 : 32) };
}
