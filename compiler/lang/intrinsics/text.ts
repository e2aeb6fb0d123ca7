import { operandOf } from "../known.ts";
import type { Intrinsic } from "./index.ts";

/** `text("…")`: the address and the length of read-only bytes. */
export const textIntrinsics: readonly (readonly [string, Intrinsic])[] = [
  [
    "text",
    (f, node, nodes, argument) => {
      const value = argument(0);
      if (value.kind !== "known" || typeof value.value !== "string")
        return f.refuse("not-known", nodes[0] ?? node, { what: "the string of text" });
      return operandOf(f, f.front.core.intrinsics.text(value.value), node);
    },
  ],
];
