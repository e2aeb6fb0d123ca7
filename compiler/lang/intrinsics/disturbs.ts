import { known } from "../operand.ts";
import type { Intrinsic } from "./index.ts";

/** `disturbs(change, observer, state)`: known when it is compiled, from what both do with the state. */
export const effectIntrinsics: readonly (readonly [string, Intrinsic])[] = [
  [
    "disturbs",
    (f, node, nodes, argument) => {
      const functions = [argument(0), argument(1)].map((operand, i) => {
        const value = operand.kind === "known" ? operand.value : undefined;
        return typeof value === "function"
          ? value
          : f.refuse("not-known", nodes[i] ?? node, { what: "the function of disturbs" });
      });
      const [change, observer] = functions as [object, object];
      const site = f.front.site(observer);
      if (site === undefined) return f.refuse("not-compiled", node, { name: "the observer of disturbs" });
      return known(f.program.disturbs(f, change, { fn: observer, site }, argument(2), node));
    },
  ],
];
