import { ts } from "ts-morph";
import type { FunctionLowering } from "../function.ts";
import { intrinsics } from "../intrinsics/index.ts";
import { lowerGlobalCall } from "../intrinsics/global.ts";
import { lowerAsm } from "../intrinsics/assembly.ts";
import { globalName, operandOf } from "../known.ts";
import { describe, type Operand } from "../operand.ts";
import { isInt, lowerChecked, lowerConversion } from "./conversion.ts";

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
