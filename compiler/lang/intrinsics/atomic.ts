import { memoryInt } from "../function.ts";
import { unsigned } from "../interval.ts";
import { describe, nothing, type Operand } from "../operand.ts";
import type { RmwOp, Value } from "../../ir/ir.ts";
import type { Intrinsic } from "./index.ts";
import { stored } from "./memory.ts";

function cells(bits: 32 | 64): (readonly [string, Intrinsic])[] {
  const type = memoryInt(bits);
  const size = bits / 8;
  const result = (value: Value): Operand => ({ kind: "int", big: bits === 64, range: unsigned(bits), value });
  const cell = (f: Parameters<Intrinsic>[0], node: Parameters<Intrinsic>[1], operand: Operand): Value =>
    operand.kind === "struct" ? operand.value : f.refuse("no-address", node, { what: describe(operand) });
  const rmw = (name: string, op: RmwOp): readonly [string, Intrinsic] => [
    `atomic${bits}.${name}`,
    (f, node, nodes, argument) => {
      const at = cell(f, node, argument(0));
      return result(f.b.rmw(op, at, stored(f, bits, argument(1), nodes[1] ?? node), "seqcst"));
    },
  ];
  return [
    [
      `atomic${bits}.load`,
      (f, node, _nodes, argument) =>
        result(f.b.load(type, cell(f, node, argument(0)), size, false, "acquire")),
    ],
    [
      `atomic${bits}.store`,
      (f, node, nodes, argument) => {
        const at = cell(f, node, argument(0));
        f.b.store(stored(f, bits, argument(1), nodes[1] ?? node), at, size, false, "release");
        return nothing;
      },
    ],
    rmw("exchange", "xchg"),
    rmw("or", "or"),
    rmw("and", "and"),
    rmw("add", "add"),
    [
      `atomic${bits}.compareExchange`,
      (f, node, nodes, argument) => {
        const at = cell(f, node, argument(0));
        const expected = stored(f, bits, argument(1), nodes[1] ?? node);
        const desired = stored(f, bits, argument(2), nodes[2] ?? node);
        return { kind: "bool", value: f.b.extract(f.b.cmpxchg(at, expected, desired, "seqcst"), 1) };
      },
    ],
  ];
}

export const atomicIntrinsics = [...cells(32), ...cells(64)];
