/** The rules that every module obeys before it is emitted; what each instruction asks for is in `verify-types.ts`. */
import type { Block, Instr, IrFunction, IrGlobal, IrModule, IrType, Loc, Value } from "./ir.ts";
import { printType } from "./print.ts";
import { operandsOf, reversePostorder, sameType, successorsOf, terminatorOperandsOf } from "./traverse.ts";
import { instrProblems, terminatorProblems, type SymbolSignature, type TypeContext } from "./verify-types.ts";

/** A rule broken; always a fault of the compiler. */
export interface IrProblem {
  /** Symbol of the function, or of the global, in which it is. */
  readonly symbol: string;
  /** Label of the block, for what is in a function. */
  readonly block: string | undefined;
  readonly message: string;
  readonly loc: Loc | undefined;
}

/** Symbols that the linker supplies. */
export const linkerSymbols: readonly string[] = ["__ImageBase"];

/** Symbols that belong to the emitter. */
const reserved = /^(tv\.|llvm\.|mem(cpy|move|set)$|__(multi3|ashlti3|lshrti3|ashrti3)$)/;

/** Checks a module and gives every problem found, none if it is sound. */
export function verifyModule(module: IrModule): IrProblem[] {
  return new Verifier(module).run();
}

const isPowerOfTwo = (n: number): boolean =>
  Number.isInteger(n) && n > 0 && 2 ** Math.round(Math.log2(n)) === n;

class Verifier {
  readonly #problems: IrProblem[] = [];
  readonly #module: IrModule;
  readonly #symbols = new Set<string>(linkerSymbols);
  readonly #types: TypeContext;
  /** Assembly functions have no signature but that of their first call. */
  readonly #assembly: Map<string, SymbolSignature | undefined>;

  constructor(module: IrModule) {
    this.#module = module;
    this.#assembly = new Map(module.naked.map(({ symbol }) => [symbol, undefined]));
    const signatures = new Map<string, SymbolSignature>();
    for (const { symbol, params, result } of module.functions) {
      signatures.set(symbol, { params: params.map((param) => param.type), result });
    }
    for (const { symbol, params, result } of module.imports ?? []) signatures.set(symbol, { params, result });
    this.#types = {
      signatureOf: (symbol, used) => {
        if (!this.#assembly.has(symbol)) return signatures.get(symbol);
        const first = this.#assembly.get(symbol) ?? used;
        this.#assembly.set(symbol, first);
        return first;
      },
      asmSite: new Map(module.asmSites.map((site) => [site.site, site])),
      trapCount: module.traps.length,
    };
  }

  run(): IrProblem[] {
    this.#declarations();
    for (const global of this.#module.globals) this.#global(global);
    for (const fn of this.#module.functions) this.#function(fn);
    return this.#problems;
  }

  #report(symbol: string, message: string, loc?: Loc, block?: Block): void {
    this.#problems.push({ symbol, message, loc, block: block?.label });
  }

  #declarations(): void {
    const { functions, globals, naked, imports = [], asmSites, trapHandler } = this.#module;
    for (const { symbol } of [...functions, ...globals, ...naked, ...imports]) {
      if (this.#symbols.has(symbol)) this.#report(symbol, `symbol ${symbol} is defined twice`);
      if (reserved.test(symbol)) this.#report(symbol, `symbol ${symbol} is reserved for the emitter`);
      if (!/^[\x21-\x7e]+$/.test(symbol) || /["\\]/.test(symbol))
        this.#report(symbol, "a symbol is printable ASCII");
      this.#symbols.add(symbol);
    }
    const sites = new Set<string>();
    for (const { site, params, loc } of asmSites) {
      if (sites.has(site)) this.#report(site, `assembly site ${site} is defined twice`, loc);
      sites.add(site);
      if (params.some((type) => type.kind !== "int" && type.kind !== "ptr")) {
        this.#report(site, "an operand of assembly is an integer or a pointer", loc);
      }
    }
    for (const { symbol, uses, loc } of naked) {
      for (const use of uses)
        if (!this.#symbols.has(use)) this.#report(symbol, `symbol ${use} does not exist`, loc);
    }
    if (trapHandler === undefined) return;
    const signature = this.#types.signatureOf(trapHandler, {
      params: [{ kind: "int", bits: 32 }],
      result: { kind: "void" },
    });
    if (signature === undefined) this.#report(trapHandler, `the trap handler ${trapHandler} does not exist`);
    else if (signature.result.kind !== "void" || signature.params.map(printType).join() !== "i32") {
      this.#report(trapHandler, "the trap handler takes one i32 and gives nothing");
    }
  }

  #global(global: IrGlobal): void {
    const { symbol, sizeBytes, align, init, relocations = [], loc } = global;
    if (!Number.isInteger(sizeBytes) || sizeBytes < 0)
      this.#report(symbol, `size ${sizeBytes} is no size`, loc);
    if (!isPowerOfTwo(align)) this.#report(symbol, `alignment ${align} is no power of two`, loc);
    if (init !== undefined && init.length > sizeBytes) {
      this.#report(symbol, `${init.length} bytes of initialiser for ${sizeBytes} bytes`, loc);
    }
    let end = 0;
    for (const { offset, symbol: to } of [...relocations].sort((a, b) => a.offset - b.offset)) {
      if (!this.#symbols.has(to)) this.#report(symbol, `symbol ${to} does not exist`, loc);
      if (offset < end) this.#report(symbol, `the address at offset ${offset} overlaps another`, loc);
      end = offset + 8;
      if (end > sizeBytes)
        this.#report(symbol, `the address at offset ${offset} is outside of the global`, loc);
    }
  }

  #function(fn: IrFunction): void {
    const { symbol, blocks, loc } = fn;
    const [entry] = blocks;
    if (entry === undefined) return this.#report(symbol, "a function has an entry block", loc);
    if (fn.inline === "always" && fn.cold) this.#report(symbol, "a cold function is not inlined always", loc);
    const placed = new Set(blocks);
    const labels = new Set<string>();
    for (const block of blocks) {
      if (labels.has(block.label)) this.#report(symbol, `label ${block.label} is used twice`, loc, block);
      labels.add(block.label);
      if (block.end === undefined) this.#report(symbol, `block ${block.label} has no end`, loc, block);
      else {
        for (const to of successorsOf(block.end)) {
          if (!placed.has(to))
            this.#report(symbol, `block ${to.label} is not in the function`, block.end.loc, block);
          if (to === entry)
            this.#report(symbol, "nothing goes back to the entry block", block.end.loc, block);
        }
      }
    }
    const definitions = this.#definitions(fn);
    const dominates = dominanceOf(blocks);
    for (const block of blocks) {
      block.instrs.forEach((instr, position) => {
        const use = { fn, block, position, definitions, dominates, loc: instr.loc };
        for (const value of operandsOf(instr)) this.#use(value, use);
        for (const message of instrProblems(instr, this.#types))
          this.#report(symbol, message, instr.loc, block);
        if (instr.op === "slot" && block !== entry) {
          this.#report(symbol, `slot ${instr.name} is outside of the entry block`, instr.loc, block);
        }
      });
      const { end } = block;
      if (end === undefined) continue;
      const use = { fn, block, position: block.instrs.length, definitions, dominates, loc: end.loc };
      for (const value of terminatorOperandsOf(end)) this.#use(value, use);
      for (const message of terminatorProblems(end, fn.result, this.#types))
        this.#report(symbol, message, end.loc, block);
    }
  }

  #definitions(fn: IrFunction): Map<number, Definition> {
    const made = new Map<number, Definition>();
    for (const block of fn.blocks) {
      block.instrs.forEach((instr, position) => {
        const { id, type } = instr.result;
        if (made.has(id)) this.#report(fn.symbol, `result ${id} is made twice`, instr.loc, block);
        made.set(id, { block, position, type, instr });
      });
    }
    return made;
  }

  #use(value: Value, use: Use): void {
    const { fn, block, loc } = use;
    const report = (message: string): void => this.#report(fn.symbol, message, loc, block);
    if (value.kind === "symbol") {
      if (!this.#symbols.has(value.symbol)) report(`symbol ${value.symbol} does not exist`);
    } else if (value.kind === "param") {
      const param = fn.params[value.index];
      if (param === undefined) report(`parameter ${value.index} does not exist`);
      else if (!sameType(param.type, value.type))
        report(mismatch(`parameter ${param.name}`, param.type, value.type));
    } else if (value.kind === "const") {
      const bits = value.type.kind === "int" ? value.type.bits : value.type.kind === "ptr" ? 64 : 0;
      if (value.value < 0n || value.value >= 1n << BigInt(bits)) {
        report(`constant ${value.value} does not fit ${printType(value.type)}`);
      }
    } else if (value.kind === "result") {
      const made = use.definitions.get(value.id);
      if (made === undefined) report(`result ${value.id} is never made`);
      else if (!sameType(made.type, value.type))
        report(mismatch(`result ${value.id}`, made.type, value.type));
      else if (made.block === block ? made.position >= use.position : !use.dominates(made.block, block)) {
        report(`a ${made.instr.op} does not dominate its use`);
      }
    }
  }
}

interface Definition {
  readonly block: Block;
  readonly position: number;
  readonly type: IrType;
  readonly instr: Instr;
}

interface Use {
  readonly fn: IrFunction;
  readonly block: Block;
  readonly position: number;
  readonly definitions: ReadonlyMap<number, Definition>;
  readonly dominates: (a: Block, b: Block) => boolean;
  readonly loc: Loc | undefined;
}

const mismatch = (what: string, is: IrType, used: IrType): string =>
  `${what} is ${printType(is)} and is used as ${printType(used)}`;

/** Immediate dominators by Cooper, Harvey and Kennedy's iteration over reverse postorder. */
function dominanceOf(blocks: readonly Block[]): (a: Block, b: Block) => boolean {
  const order = reversePostorder(blocks);
  const number = new Map(order.map((block, i) => [block, i]));
  const predecessors: number[][] = order.map(() => []);
  order.forEach((block, i) => {
    for (const to of block.end === undefined ? [] : successorsOf(block.end))
      predecessors[number.get(to)!]!.push(i);
  });
  const idom: number[] = order.map(() => -1);
  idom[0] = 0;
  for (let changed = true; changed;) {
    changed = false;
    for (let i = 1; i < order.length; i++) {
      let best = -1;
      for (const p of predecessors[i]!) {
        if (idom[p] === -1) continue;
        best = best === -1 ? p : meet(p, best);
      }
      if (best !== idom[i]) {
        idom[i] = best;
        changed = true;
      }
    }
  }
  function meet(a: number, b: number): number {
    while (a !== b) {
      if (a > b) a = idom[a]!;
      else b = idom[b]!;
    }
    return a;
  }
  return (a, b) => {
    const above = number.get(a);
    let at = number.get(b);
    // What cannot be reached uses nothing.
    if (at === undefined) return true;
    if (above === undefined) return false;
    while (at > above) at = idom[at]!;
    return at === above;
  };
}
