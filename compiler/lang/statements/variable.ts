import { ts } from "ts-morph";
import { bindPattern } from "../bind.ts";
import { declaredType } from "../declared.ts";
import type { FunctionLowering } from "../function.ts";
import { known } from "../operand.ts";

export function lowerVariables(f: FunctionLowering, node: ts.VariableStatement): void {
  lowerDeclarations(f, node.declarationList);
}

export function lowerDeclarations(f: FunctionLowering, list: ts.VariableDeclarationList): void {
  if ((list.flags & ts.NodeFlags.BlockScoped) === 0) f.refuse("var", list);
  if ((list.flags & ts.NodeFlags.Using) !== 0) f.refuse("unsupported", list, { what: "`using`" });
  for (const declaration of list.declarations) {
    try {
      if (
        declaration.type !== undefined &&
        f.checker.getTypeAtLocation(declaration.type).flags & ts.TypeFlags.Any
      )
        f.refuse("any", declaration.type);
      if (declaration.initializer !== undefined) {
        const operand = f.expression(declaration.initializer);
        if (f.env === undefined) return;
        bindPattern(f, declaration.name, operand);
      } else declareUnset(f, declaration);
    } catch (error) {
      f.poison(declaration.name);
      throw error;
    }
  }
}

/** `let x: u8;`: TypeScript proves that it is assigned before it is read. */
function declareUnset(f: FunctionLowering, declaration: ts.VariableDeclaration): void {
  if (!ts.isIdentifier(declaration.name))
    f.refuse("unsupported", declaration, { what: "a pattern without a value" });
  const declared = declaredType(f.checker, f.checker.getTypeAtLocation(declaration));
  const name = declaration.name as ts.Identifier;
  switch (declared.kind) {
    case "int":
      return f.declare(name, known(declared.big ? declared.range.lo : Number(declared.range.lo)), true);
    case "plain":
      return f.declare(name, known(declared.big ? 0n : 0), true);
    case "bool":
      return f.declare(name, known(false), true);
    default:
      return f.declare(name, known(null), true);
  }
}
