import type { Instr, IrModule, IrType } from "../ir/ir.ts";
import { accessHelper, type AccessHelper } from "./access.ts";
import type { Target } from "./target.ts";
import { typeText } from "./text.ts";

/** Parameters and result of a function. */
export interface Signature {
  readonly params: readonly IrType[];
  readonly result: IrType;
}

/** What the bodies of a module need from its prelude. */
export interface Requirements {
  readonly helpers: ReadonlyMap<string, AccessHelper>;
  /** Declarations of LLVM intrinsics, by name. */
  readonly intrinsics: ReadonlyMap<string, string>;
  /** Signatures of assembly functions, from their calls. */
  readonly calls: ReadonlyMap<string, Signature>;
  readonly wideDivision: boolean;
}

/** The intrinsic behind a unary operation. */
export function unaryIntrinsic(instr: Extract<Instr, { op: "unary" }>): {
  name: string;
  declaration: string;
} {
  const type = typeText(instr.a.type);
  const name = `llvm.${instr.fn}.${type}`;
  const counts = instr.fn === "ctlz" || instr.fn === "cttz";
  return { name, declaration: `declare ${type} @${name}(${type}${counts ? ", i1" : ""})` };
}

/** Whether an operation is a 128-bit division that has to call the runtime: not by a constant power of two. */
export function isWideDivision(instr: Extract<Instr, { op: "binary" }>): boolean {
  if (instr.a.type.kind !== "int" || instr.a.type.bits !== 128) return false;
  if (instr.fn === "sdiv" || instr.fn === "srem") return true;
  if (instr.fn !== "udiv" && instr.fn !== "urem") return false;
  return !(instr.b.kind === "const" && instr.b.value !== 0n && (instr.b.value & (instr.b.value - 1n)) === 0n);
}

/** Walks every body once. */
export function requirementsOf(module: IrModule, target: Target): Requirements {
  const helpers = new Map<string, AccessHelper>();
  const intrinsics = new Map<string, string>();
  const calls = new Map<string, Signature>();
  let wideDivision = false;
  let traps = false;
  for (const fn of module.functions) {
    for (const block of fn.blocks) {
      if (block.end?.op === "trap") traps = true;
      for (const instr of block.instrs) {
        if (instr.op === "call") {
          if (!calls.has(instr.callee)) {
            calls.set(instr.callee, { params: instr.args.map((a) => a.type), result: instr.result.type });
          }
        } else if (instr.op === "unary") {
          const { name, declaration } = unaryIntrinsic(instr);
          intrinsics.set(name, declaration);
        } else if (instr.op === "assume") {
          intrinsics.set("llvm.assume", "declare void @llvm.assume(i1)");
        } else if (instr.op === "binary") {
          if (isWideDivision(instr)) wideDivision = true;
        } else {
          const helper = accessHelper(instr, target);
          if (helper !== undefined) helpers.set(helper.name, helper);
        }
      }
    }
  }
  if (traps) {
    if (module.trapHandler === undefined) intrinsics.set("llvm.trap", "declare void @llvm.trap()");
    else if (!calls.has(module.trapHandler)) {
      calls.set(module.trapHandler, { params: [{ kind: "int", bits: 32 }], result: { kind: "void" } });
    }
  }
  return { helpers, intrinsics, calls, wideDivision };
}
