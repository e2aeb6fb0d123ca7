/** One table: the lowering of each intrinsic, under the name that `dsl/core` gives it. */
import type { ts } from "ts-morph";
import type { FunctionLowering } from "../function.ts";
import type { Operand } from "../operand.ts";
import { assemblyIntrinsics } from "./assembly.ts";
import { atomicIntrinsics } from "./atomic.ts";
import { arithmeticIntrinsics } from "./bits.ts";
import { effectIntrinsics } from "./disturbs.ts";
import { faultIntrinsics } from "./fault.ts";
import { memoryIntrinsics } from "./memory.ts";
import { textIntrinsics } from "./text.ts";
import { hintIntrinsics } from "./hint.ts";

/** `argument(i)` lowers the i-th argument; `nodes` are their places in the source. */
export type Intrinsic = (
  f: FunctionLowering,
  node: ts.Node,
  nodes: readonly ts.Node[],
  argument: (i: number) => Operand,
) => Operand;

export const intrinsics: ReadonlyMap<string, Intrinsic> = new Map([
  ...arithmeticIntrinsics,
  ...hintIntrinsics,
  ...effectIntrinsics,
  ...faultIntrinsics,
  ...memoryIntrinsics,
  ...textIntrinsics,
  ...atomicIntrinsics,
  ...assemblyIntrinsics,
]);
