/**
 * What a harness has and an image does not: loops count their turns, and a trap leaves its site's number behind and
 * calls `abort`, which the environment supplies.
 */
import { constant, FunctionBuilder, symbolAddress } from "../ir/builder.ts";
import {
  i32,
  i64,
  ptr,
  voidType,
  type Block,
  type IrFunction,
  type IrModule,
  type Loc,
  type Value,
} from "../ir/ir.ts";
import { reversePostorder, successorsOf } from "../ir/traverse.ts";
import { meterSymbol } from "../../dsl/testing/harness.ts";

/** The global that says where it has trapped: a mark, and from byte 4 on one more than the number of the site. */
export const siteSymbol = "harness.site";
/** What begins the eight bytes of `siteSymbol`, which a program on Linux writes to its standard error. */
export const siteMark = "tv!\n";
const turnSymbol = "harness.turn";
const trapSymbol = "harness.trap";
const nowhere: Loc = { file: "the harness", line: 1, column: 1 };

/** The blocks to which a path goes back: every loop goes through one of them in each turn. */
function loopHeads(fn: IrFunction): Set<Block> {
  const order = new Map(reversePostorder(fn.blocks).map((block, i) => [block, i]));
  const heads = new Set<Block>();
  for (const [block, at] of order)
    for (const to of block.end === undefined ? [] : successorsOf(block.end))
      if ((order.get(to) ?? Infinity) <= at) heads.add(to);
  return heads;
}

function counted(fn: IrFunction): IrFunction {
  const heads = loopHeads(fn);
  if (heads.size === 0) return fn;
  let id = 1 + Math.max(...fn.blocks.flatMap((b) => b.instrs.map((i) => i.result.id)), 0);
  for (const { instrs, end } of heads)
    instrs.unshift({
      op: "call",
      callee: turnSymbol,
      args: [],
      result: { kind: "result", type: voidType, id: id++ },
      loc: end?.loc,
    });
  return fn;
}

function helper(
  symbol: string,
  params: IrFunction["params"],
  body: (b: FunctionBuilder) => void,
): IrFunction {
  const b = new FunctionBuilder();
  body(b);
  return {
    symbol,
    displayName: symbol,
    loc: nowhere,
    params,
    result: voidType,
    blocks: b.finish(),
    exported: false,
    inline: "auto",
    cold: false,
  };
}

/**
 * Changes a harness's module, in place, and gives what is to be linked. `spentText` is the text of the trap of loops that
 * have used up their turns; `says`: a trap tells its site on standard error, with Linux's `write`.
 */
export function instrument(module: IrModule, spentText: string, says: boolean): IrModule {
  const functions = module.functions.map(counted);
  const spent = module.traps.push(spentText) - 1;
  const turn = helper(turnSymbol, [], (b) => {
    const [more, none] = [b.block("more"), b.block("none")];
    const left = b.load(i32, symbolAddress(meterSymbol), 4);
    b.branch(b.compare("ne", left, constant(i32, 0n)), more, none);
    b.place(none);
    b.trap(spent);
    b.place(more);
    b.store(b.binary("sub", left, constant(i32, 1n)), symbolAddress(meterSymbol), 4);
    b.return();
  });
  const site: Value = { kind: "param", type: i32, index: 0 };
  const trap = helper(trapSymbol, [{ name: "site", type: i32 }], (b) => {
    const mark = symbolAddress(siteSymbol);
    b.store(b.binary("add", site, constant(i32, 1n)), b.offset(mark, 4), 4);
    if (says) b.call("write", i64, [constant(i32, 2n), mark, constant(i64, 8n)]);
    b.call("abort", voidType, []);
    b.unreachable();
  });
  return {
    ...module,
    functions: [...functions, turn, { ...trap, exported: true, inline: "never", cold: true }],
    globals: [
      ...module.globals,
      {
        symbol: siteSymbol,
        displayName: siteSymbol,
        loc: undefined,
        sizeBytes: 8,
        align: 8,
        constant: false,
        init: Buffer.from(siteMark),
      },
    ],
    imports: [
      ...(module.imports ?? []),
      { symbol: "abort", params: [], result: voidType },
      ...(says ? [{ symbol: "write", params: [i32, ptr, i64], result: i64 }] : []),
    ],
    trapHandler: trapSymbol,
  };
}
