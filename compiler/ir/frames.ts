/**
 * Which functions need a frame. One that calls nothing, or only as its last act (a jump), needs none; LLVM's inliner does not
 * look at that: it puts a function that nobody else calls into its caller, and what it saves then costs on every way
 * through that. So, of what is not cold:
 *
 * - a function that ends in other functions on several ways, as a device's dispatch does, keeps those out that need a frame;
 * - a function that would need none but for small ones that call nothing has those inlined.
 *
 * What is called only where a condition seldom holds does not count.
 */
import type { Block, Instr, IrFunction, IrModule } from "./ir.ts";
import { successorsOf } from "./traverse.ts";

/** Up to this size LLVM inlines what calls nothing, wherever it is called (`target.ts` has the threshold). */
const smallSize = 14;
/** Size of all copies but one up to which a function is inlined for its callers' sake. */
const copiesSize = 80;
/** Up to this size a function that hands on to another, but for what seldom holds, is inlined everywhere. */
const guardSize = 8;
/** How much seldomer than the other side of a branch is never. */
const seldom = 100;

/** Decides which functions are inlined always and which never. */
export function avoidFrames(module: IrModule): IrModule {
  const calls = new CallAnalysis(module);
  const kept = new Set(module.functions.flatMap((fn) => calls.spared(fn)));
  const decided = (fn: IrFunction): IrFunction => {
    if (fn.inline !== "auto" || fn.cold) return fn;
    if (kept.has(fn.symbol)) return { ...fn, inline: "never" };
    return calls.taken.has(fn.symbol) ? { ...fn, inline: "always" } : fn;
  };
  return { ...module, functions: module.functions.map(decided) };
}

/** What a function still calls when LLVM has inlined into it. */
interface Calls {
  /** As the last act before a return. */
  readonly last: readonly string[];
  /** With something left to do: each needs a frame. */
  readonly inner: readonly string[];
  /** Instructions, without those that only name a place or a fact. */
  readonly size: number;
}

/** A function that is being looked at: who meets it calls it from within. */
const unfinished: Calls = { last: [], inner: ["itself"], size: 0 };

interface Caller {
  readonly fn: IrFunction;
  readonly isLast: boolean;
}

class CallAnalysis {
  /** Inlined into all their callers. */
  readonly taken = new Set<string>();
  readonly #functions: ReadonlyMap<string, IrFunction>;
  readonly #callers = new Map<string, readonly Caller[]>();
  readonly #calls = new Map<string, Calls>();
  readonly #recursive = new Set<string>();

  constructor(module: IrModule) {
    this.#functions = new Map(module.functions.map((fn) => [fn.symbol, fn]));
    for (const fn of module.functions)
      for (const block of fn.blocks)
        for (const instr of block.instrs)
          if (instr.op === "call") {
            const callers = this.#callersOf(instr.callee);
            this.#callers.set(instr.callee, [...callers, { fn, isLast: isLastAct(block, instr) }]);
          }
  }

  /** Callees are looked at first. */
  of(fn: IrFunction): Calls {
    const known = this.#calls.get(fn.symbol);
    if (known !== undefined) {
      if (known === unfinished) this.#recursive.add(fn.symbol);
      return known;
    }
    this.#calls.set(fn.symbol, unfinished);
    const found = this.#find(fn);
    const distinct = new Set(found.inner).size === found.inner.length;
    if (!fn.cold && distinct && found.inner.every((callee) => this.#isWorthCopies(callee)))
      for (const callee of found.inner) this.taken.add(callee);
    const made = this.#find(fn);
    this.#calls.set(fn.symbol, made);
    if (!fn.cold && this.#isGuard(fn, made)) this.taken.add(fn.symbol);
    return made;
  }

  /** What is not to be inlined into a function, to spare its other ways a frame. */
  spared(fn: IrFunction): readonly string[] {
    const { last, inner } = this.of(fn);
    // With a single way through it there is none to spare.
    if (fn.cold || inner.length > 0 || last.length < 2 || !this.#staysFrameless(fn)) return [];
    return last.filter((callee) => this.#isInlined(callee) && this.#callsOf(callee)?.inner.length !== 0);
  }

  /** Whether what a function is inlined into needs no frame either. */
  #staysFrameless(fn: IrFunction): boolean {
    if (!this.#isInlined(fn.symbol)) return true;
    const [{ fn: caller, isLast }] = this.#callersOf(fn.symbol);
    return isLast && this.of(caller).inner.length === 0 && this.#staysFrameless(caller);
  }

  /** Whether a function hands on to another, but for what seldom holds. */
  #isGuard(fn: IrFunction, { last, inner, size }: Calls): boolean {
    if (inner.length > 0 || last.length === 0 || size > guardSize) return false;
    return likelyBlocks(fn.blocks).size < fn.blocks.length;
  }

  #find(fn: IrFunction): Calls {
    const [last, inner]: [string[], string[]] = [[], []];
    let size = 0;
    const likely = likelyBlocks(fn.blocks);
    for (const block of fn.blocks) {
      if (block.end?.op === "branch" || block.end?.op === "switch") size++;
      for (const instr of block.instrs) {
        if (isFree(instr)) continue;
        size++;
        if (!likely.has(block)) continue;
        if (instr.op === "callAsm" || instr.op === "callPointer") inner.push(instr.op);
        if (instr.op !== "call") continue;
        const calls = this.#callsOf(instr.callee);
        const isLast = isLastAct(block, instr);
        if (calls === undefined || !this.#isInlined(instr.callee) || (isLast && calls.inner.length > 0)) {
          (isLast ? last : inner).push(instr.callee);
        } else {
          (isLast ? last : inner).push(...calls.last);
          inner.push(...calls.inner);
          size += calls.size;
        }
      }
    }
    return { last, inner, size };
  }

  #callsOf(symbol: string): Calls | undefined {
    const fn = this.#functions.get(symbol);
    return fn === undefined ? undefined : this.of(fn);
  }

  #callersOf(symbol: string): readonly Caller[] {
    return this.#callers.get(symbol) ?? [];
  }

  /** Whether LLVM inlines a function: nobody else calls it, or it is small. */
  #isInlined(symbol: string): boolean {
    const fn = this.#functions.get(symbol);
    if (fn === undefined || fn.inline === "never" || fn.exported || this.#recursive.has(symbol)) return false;
    if (fn.inline === "always" || this.taken.has(symbol) || this.#callersOf(symbol).length === 1) return true;
    const { last, inner, size } = this.of(fn);
    return last.length + inner.length === 0 && size <= smallSize;
  }

  #isWorthCopies(symbol: string): boolean {
    const fn = this.#functions.get(symbol);
    if (fn === undefined || fn.cold || fn.exported || fn.inline === "never") return false;
    const { last, inner, size } = this.of(fn);
    return last.length + inner.length === 0 && size * (this.#callersOf(symbol).length - 1) <= copiesSize;
  }
}

function isFree({ op }: Instr): boolean {
  return op === "slot" || op === "offset" || op === "assume" || op === "declare" || op === "cast";
}

/** Whether nothing is done between a call and the return of what it gives. */
function isLastAct(block: Block, call: Instr): boolean {
  if (block.instrs.slice(block.instrs.indexOf(call) + 1).some(({ op }) => op !== "declare")) return false;
  let end = block.end;
  while (end?.op === "jump" && end.to.instrs.length === 0) end = end.to.end;
  if (end?.op !== "return") return false;
  return end.value === undefined || (end.value.kind === "result" && end.value.id === call.result.id);
}

/** The blocks that are reached without what seldom holds. */
function likelyBlocks(blocks: readonly Block[]): ReadonlySet<Block> {
  const found = new Set<Block>();
  const todo = blocks.slice(0, 1);
  for (let block = todo.pop(); block !== undefined; block = todo.pop()) {
    if (found.has(block)) continue;
    found.add(block);
    const { end } = block;
    if (end?.op !== "branch" || end.weights === undefined) {
      if (end !== undefined) todo.push(...successorsOf(end));
      continue;
    }
    const [taken, notTaken] = end.weights;
    if (taken * seldom > notTaken) todo.push(end.then);
    if (notTaken * seldom > taken) todo.push(end.else);
  }
  return found;
}
