import type { ts } from "ts-morph";
import type { FunctionLowering } from "../function.ts";

export function lowerBlock(f: FunctionLowering, node: ts.Block): void {
  for (const statement of node.statements) f.statement(statement);
}

export function lowerEmpty(): void {
  // `;` does nothing.
}
