/** x86-64 machine code as `llc`'s assembly listing (AT&T syntax), cut into functions and basic blocks. */
import { landmarkComment } from "../../dsl/core/landmark.ts";

/** Where a block goes after its last instruction. */
export type Exit =
  | { readonly kind: "block"; readonly label: string }
  /** A jump to another function, which then returns to the caller. */
  | { readonly kind: "function"; readonly symbol: string }
  | { readonly kind: "return" }
  | { readonly kind: "unknown"; readonly why: string };

/** A call; without a symbol it is through a pointer. */
export interface MachineCall {
  readonly symbol: string | undefined;
  /** What the third argument is, where the block itself sets it to a constant: the size of a block operation. */
  readonly third: number | undefined;
}

/** A run of instructions that is entered at its start only. */
export interface MachineBlock {
  readonly label: string;
  /** The block of LLVM's IR that it came from. */
  readonly irName: string | undefined;
  /** A string instruction counts as often as it repeats, where the block itself sets the count. */
  readonly instructions: number;
  /** In their order. */
  readonly calls: readonly MachineCall[];
  /** An instruction that repeats an unknown number of times. */
  readonly repeats: string | undefined;
  /** The name of the landmark that the block begins at. */
  readonly landmark: string | undefined;
  readonly exits: readonly Exit[];
}

export interface MachineFunction {
  readonly symbol: string;
  readonly blocks: readonly MachineBlock[];
}

interface OpenBlock {
  label: string;
  irName: string | undefined;
  instructions: number;
  calls: MachineCall[];
  repeats: string | undefined;
  landmark: string | undefined;
  exits: Exit[];
  /** The last instruction always leaves. */
  ended: boolean;
  /** Constants in rcx and r8. */
  constants: Map<string, number>;
}

/** Cuts a listing into functions, by symbol. */
export function parseListing(listing: string): Map<string, MachineFunction> {
  const functions = new Map<string, MachineFunction>();
  const reader = new Reader(functions);
  for (const line of listing.split("\n")) reader.line(line);
  return functions;
}

class Reader {
  readonly #functions: Map<string, MachineFunction>;
  #blocks: OpenBlock[] | undefined;
  #block: OpenBlock | undefined;
  #count = 0;

  constructor(functions: Map<string, MachineFunction>) {
    this.#functions = functions;
  }

  /** Labels are at the margin, comments that name blocks too; instructions, directives and landmarks after a tab. */
  line(line: string): void {
    if (line.startsWith("\t")) return this.#indented(line);
    const fall = /^# %bb\.\d+:\s*(?:#\s*%(\S+))?/.exec(line);
    if (fall !== null) return this.#startBlock(this.#freshLabel(), fall[1]);
    const label = /^("[^"]+"|[^\s#:"]+):\s*(?:#.*%(\S+))?/.exec(line);
    if (label === null) return;
    const name = unquoted(label[1]!);
    if (name.startsWith(".Lfunc_end")) return this.#endFunction();
    if (name.startsWith(".L")) this.#startBlock(name, label[2]);
    else this.#startFunction(name);
  }

  #indented(line: string): void {
    if (line.startsWith(".", 1)) return;
    const code = /^\t([a-z][a-z0-9]*)(?:[;\s]+([^#]*))?/.exec(line);
    if (code !== null) return this.#instruction(code[1]!, (code[2] ?? "").trim());
    const at = line.indexOf(landmarkComment);
    if (at >= 0) this.#landmark(line.slice(at + landmarkComment.length).trim());
  }

  /** A landmark begins a block, so that what is before it in the code is not counted as after it. */
  #landmark(name: string): void {
    const before = this.#block;
    if (before === undefined || before.ended) return;
    const { irName, constants } = before;
    const label = this.#freshLabel();
    before.exits.push({ kind: "block", label });
    before.ended = true;
    this.#openBlock(label, irName);
    this.#block!.landmark = name;
    this.#block!.constants = constants;
  }

  #freshLabel(): string {
    return `fall${this.#count++}`;
  }

  #startFunction(symbol: string): void {
    const before = this.#block;
    if (before !== undefined && !before.ended) before.exits.push({ kind: "function", symbol });
    this.#block = undefined;
    this.#blocks = [];
    this.#functions.set(symbol, { symbol, blocks: this.#blocks });
    this.#startBlock(this.#freshLabel(), undefined);
  }

  /** A label between the last instruction and the function's end, which debug information puts there, begins nothing. */
  #endFunction(): void {
    if (this.#block?.instructions === 0) this.#block.ended = true;
  }

  #startBlock(label: string, irName: string | undefined): void {
    if (this.#blocks === undefined) return;
    const before = this.#block;
    // The comment that names a function's entry follows its label.
    if (before?.instructions === 0 && before.landmark === undefined && label.startsWith("fall")) {
      before.irName ??= irName;
      return;
    }
    if (before !== undefined && !before.ended) before.exits.push({ kind: "block", label });
    this.#openBlock(label, irName);
  }

  #openBlock(label: string, irName: string | undefined): void {
    this.#block = {
      label,
      irName,
      instructions: 0,
      calls: [],
      repeats: undefined,
      landmark: undefined,
      exits: [],
      ended: false,
      constants: new Map(),
    };
    this.#blocks!.push(this.#block);
  }

  #instruction(mnemonic: string, operands: string): void {
    // What follows a jump without a label is never reached; the next label opens the next block.
    const block = this.#block;
    if (block === undefined || block.ended) return;
    if (mnemonic === "lock" && operands === "") return;
    block.instructions++;
    if (/^rep/.test(mnemonic)) {
      const count = block.constants.get("cx");
      if (count === undefined) block.repeats = `${mnemonic} ${operands}`.replace(/\s+/g, " ");
      else block.instructions += Math.max(0, count - 1);
      block.constants.delete("cx");
    } else if (/^call/.test(mnemonic)) {
      const symbol = operands.startsWith("*") ? undefined : unquoted(operands);
      block.calls.push({ symbol, third: block.constants.get("r8") });
      block.constants.clear();
    } else this.#flow(mnemonic, operands, block);
  }

  #flow(mnemonic: string, operands: string, block: OpenBlock): void {
    const written = /%(?:[re]?(cx)|(cl)|(r8)[dwb]?)$/.exec(operands);
    if (written !== null) {
      const register = written[3] === undefined ? "cx" : "r8";
      const constant = /^mov[lq]$/.test(mnemonic) ? /^\$(\d+),/.exec(operands) : null;
      if (constant === null) block.constants.delete(register);
      else block.constants.set(register, Number(constant[1]));
    }
    if (/^(ret|iret|sysret|sysexit)/.test(mnemonic)) this.#leave({ kind: "return" });
    else if (mnemonic === "ud2" || mnemonic === "int3") block.ended = true;
    else if (/^jmp/.test(mnemonic)) this.#leave(target(operands));
    else if (/^(j[a-z]+|loop[a-z]*)$/.test(mnemonic)) this.#split(target(operands));
  }

  #leave(exit: Exit): void {
    this.#block!.exits.push(exit);
    this.#block!.ended = true;
  }

  #split(exit: Exit): void {
    this.#block!.exits.push(exit);
    const next = this.#freshLabel();
    const { irName } = this.#block!;
    this.#startBlock(next, irName);
  }
}

function target(operands: string): Exit {
  if (operands.startsWith("*")) return { kind: "unknown", why: "a jump through a pointer" };
  const name = unquoted(operands);
  return name.startsWith(".L") ? { kind: "block", label: name } : { kind: "function", symbol: name };
}

const unquoted = (name: string): string => name.replace(/^"(.*)"$/, "$1");

/** How often the header of a loop runs at most, by function and header block: what LLVM's scalar evolution knows. */
export type LoopBounds = ReadonlyMap<string, number>;

/** The key of a loop in `LoopBounds`. */
export function loopKey(symbol: string, irName: string): string {
  return `${symbol}\n${irName}`;
}

/** Reads the output of `opt -passes='print<scalar-evolution>'`. */
export function parseLoopBounds(text: string): LoopBounds {
  const bounds = new Map<string, number>();
  let symbol = "";
  for (const line of text.split("\n")) {
    const fn = /^Determining loop execution counts for: @(.*)$/.exec(line);
    if (fn !== null) symbol = unquoted(fn[1]!);
    const loop = /^Loop %(.+): max backedge-taken count is (\d+)$/.exec(line);
    if (loop !== null) bounds.set(loopKey(symbol, unquoted(loop[1]!)), Number(loop[2]) + 1);
  }
  return bounds;
}
