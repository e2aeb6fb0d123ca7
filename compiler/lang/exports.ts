/** Functions with the platform's C convention: entry points, what naked functions name, the trap handler. */
import type { ts } from "ts-morph";
import type { EntryPoint } from "../../dsl/core/program.ts";
import { constant, symbolAddress } from "../ir/builder.ts";
import { i32, i64, type Loc, type Param, type Value } from "../ir/ir.ts";
import { declaredType } from "./declared.ts";
import type { Front, FunctionSite } from "./front.ts";
import { FunctionLowering, memoryInt } from "./function.ts";
import { signed, u32Range, u64Range, unsigned } from "./interval.ts";
import { carriedAt } from "./numeric.ts";
import type { Operand } from "./operand.ts";
import type { ProgramLowering } from "./program.ts";
import { Refused } from "./refusal.ts";

/** Makes what is called from outside of compiled code. */
export class Exports {
  readonly program: ProgramLowering;
  readonly #naked = new Map<object, string>();
  readonly #thunks = new Map<object, string>();
  readonly #traps = new Map<string, number>();

  constructor(program: ProgramLowering) {
    this.program = program;
  }

  get front(): Front {
    return this.program.front;
  }

  /** Compiles an entry point. */
  entry(entry: EntryPoint): void {
    const site = this.front.site(entry.fn);
    if (site === undefined) throw new Error(`entry point ${entry.symbol} is no function of the program`);
    this.#exportThunk(entry.symbol, entry.fn, site, entry.params, entry.result);
  }

  /** A function with the platform's C convention in front of a compiled one. */
  #exportThunk(
    symbol: string,
    fn: object,
    site: FunctionSite,
    params: EntryPoint["params"],
    result: EntryPoint["result"],
  ): void {
    const thunk = new FunctionLowering(
      this.program,
      { ...site, captures: () => new Map() },
      false,
      "platform",
      [],
      new Set(),
    );
    thunk.at(site.node);
    const irParams: Param[] = params.map((d, i) => ({
      name: `a${i}`,
      type: d.kind === "bool" ? memoryInt(8) : memoryInt(d.bits),
    }));
    const args = params.map((d, i): Operand => {
      const value: Value = { kind: "param", type: irParams[i]!.type, index: i };
      if (d.kind === "bool")
        return { kind: "bool", value: thunk.b.compare("ne", value, constant(memoryInt(8), 0n)) };
      const range = d.signed
        ? { lo: -(1n << BigInt(d.bits - 1)), hi: (1n << BigInt(d.bits - 1)) - 1n }
        : { lo: 0n, hi: (1n << BigInt(d.bits)) - 1n };
      return {
        kind: "int",
        big: d.bits === 64,
        range,
        value: d.bits < 32 ? thunk.b.cast("zext", value, i32) : value,
      };
    });
    try {
      const operand = this.program.call(thunk, fn, site, args, site.node, []);
      if (thunk.env !== undefined) {
        if (result === undefined) thunk.b.return();
        else if (result.kind === "bool")
          thunk.b.return(thunk.b.cast("zext", thunk.bool(operand, site.node), memoryInt(8)));
        else {
          const range = result.signed ? signed(result.bits) : unsigned(result.bits);
          const a = thunk.fit(thunk.int(operand, site.node), range, result.name, site.node);
          if (a.big !== (result.bits === 64)) thunk.refuse("mixed-kinds", site.node);
          const carried = carriedAt(thunk.b, a, result.bits === 64 ? 64 : 32);
          thunk.b.return(result.bits < 32 ? thunk.b.cast("trunc", carried, memoryInt(result.bits)) : carried);
        }
      }
    } catch (error) {
      if (error instanceof Refused) return;
      throw error;
    }
    this.program.module.functions.push({
      symbol,
      displayName: site.name,
      loc: this.program.facts.locOf(site.node),
      params: irParams,
      result:
        result === undefined
          ? { kind: "void" }
          : result.kind === "bool"
            ? memoryInt(8)
            : memoryInt(result.bits),
      blocks: thunk.b.finish(),
      exported: true,
      inline: "never",
      cold: false,
    });
  }

  /** The symbol of a function that something outside compiled code calls, by its declared scalar types. */
  functionSymbol(fn: object, refuse: (code: string, args: Record<string, string>) => never): string {
    const naked = this.front.core.asm?.nakedDefinition(fn);
    if (naked !== undefined) return this.#nakedSymbol(fn, refuse);
    const knownSymbol = this.#thunks.get(fn);
    if (knownSymbol !== undefined) return knownSymbol;
    const site = this.front.site(fn);
    if (site === undefined) return refuse("not-a-function", {});
    const symbol = this.program.unique(`${site.name}.entry`);
    this.#thunks.set(fn, symbol);
    const checker = this.front.checker;
    const scalar = (type: ts.Type): EntryPoint["params"][number] | undefined => {
      const declared = declaredType(checker, type);
      if (declared.kind === "void" || declared.kind === "never") return undefined;
      if (declared.kind === "bool") return { kind: "bool", size: 1, align: 1 };
      if (declared.kind !== "int") return refuse("entry-signature", { name: site.name });
      const bits =
        declared.range.hi > 0xffff_ffffn
          ? 64
          : declared.range.hi > 0xffffn
            ? 32
            : declared.range.hi > 0xffn
              ? 16
              : 8;
      return {
        kind: "int",
        name: `${declared.range.lo < 0n ? "i" : "u"}${bits}` as "u32",
        bits,
        signed: declared.range.lo < 0n,
        size: bits / 8,
        align: bits / 8,
      };
    };
    const params = site.node.parameters.map(
      (p) => scalar(checker.getTypeAtLocation(p)) ?? refuse("entry-signature", { name: site.name }),
    );
    const signature = checker.getSignatureFromDeclaration(site.node);
    this.#exportThunk(
      symbol,
      fn,
      site,
      params,
      signature && scalar(checker.getReturnTypeOfSignature(signature)),
    );
    return symbol;
  }

  #nakedSymbol(fn: object, refuse: (code: string, args: Record<string, string>) => never): string {
    const done = this.#naked.get(fn);
    if (done !== undefined) return done;
    const definition = this.front.core.asm!.nakedDefinition(fn)!;
    this.#naked.set(fn, definition.symbol);
    const uses = new Map<string, string>();
    for (const [name, value] of Object.entries(definition.uses ?? {})) {
      const place = this.program.data.storageAddress(value);
      if (place !== undefined && place.offset !== 0) refuse("naked-use", { name });
      uses.set(name, place?.symbol ?? this.functionSymbol(value, refuse));
    }
    const lines = definition.lines.map((line) =>
      line.replace(/%\{(\w+)\}/g, (_, name: string) => uses.get(name) ?? refuse("naked-use", { name })),
    );
    this.program.module.naked.push({
      symbol: definition.symbol,
      displayName: definition.symbol,
      lines,
      uses: [...uses.values()],
      loc: undefined,
      ...(definition.section !== undefined && { section: definition.section }),
    });
    return definition.symbol;
  }

  /** The number of a trap site. */
  trapSite(message: string, loc: Loc | undefined): number {
    const text = loc === undefined ? message : `${loc.file}:${loc.line}: ${message}`;
    let site = this.#traps.get(text);
    if (site === undefined) {
      site = this.program.module.traps.length;
      this.#traps.set(text, site);
      this.program.module.traps.push(text);
    }
    return site;
  }

  /** `typevisor_trap(site)`: looks up the site's text and calls the program's handler. */
  trapEntry(handler: object): void {
    const site = this.front.site(handler);
    if (site === undefined) throw new Error("the trap handler is no function of the program");
    const f = new FunctionLowering(
      this.program,
      { ...site, captures: () => new Map() },
      false,
      "platform",
      [],
      new Set(),
    );
    const number: Value = { kind: "param", type: i32, index: 0 };
    const table = "typevisor_trap_texts";
    const entry = f.b.index(symbolAddress(table), f.b.cast("zext", number, i64), 16);
    const args: Operand[] = [
      { kind: "int", big: false, range: u32Range, value: number },
      { kind: "int", big: true, range: u64Range, value: f.b.load(i64, entry, 8) },
      { kind: "int", big: false, range: u32Range, value: f.b.load(i32, f.b.offset(entry, 8), 4) },
    ];
    this.program.call(f, handler, site, args, site.node, []);
    if (f.env !== undefined) f.b.unreachable();
    this.program.module.functions.push({
      symbol: "typevisor_trap",
      displayName: "trap",
      loc: this.program.facts.locOf(site.node),
      params: [{ name: "site", type: i32 }],
      result: { kind: "void" },
      blocks: f.b.finish(),
      exported: true,
      inline: "never",
      cold: true,
    });
    // The texts, one blob, and a table of { u64 address, u32 length, u32 0 }.
    const texts = this.program.module.traps.map((text) => new TextEncoder().encode(text));
    const blob = new Uint8Array(texts.reduce((n, t) => n + t.length, 1));
    const rows = new DataView(new ArrayBuffer(Math.max(16, texts.length * 16)));
    const relocations: { offset: number; symbol: string; addend: number }[] = [];
    let at = 0;
    texts.forEach((text, i) => {
      blob.set(text, at);
      relocations.push({ offset: i * 16, symbol: "typevisor_trap_blob", addend: at });
      rows.setUint32(i * 16 + 8, text.length, true);
      at += text.length;
    });
    this.program.module.globals.push(
      {
        symbol: "typevisor_trap_blob",
        displayName: "trap texts",
        loc: undefined,
        sizeBytes: blob.length,
        align: 1,
        constant: true,
        init: blob,
      },
      {
        symbol: table,
        displayName: "trap table",
        loc: undefined,
        sizeBytes: rows.byteLength,
        align: 8,
        constant: true,
        init: new Uint8Array(rows.buffer),
        relocations,
      },
    );
  }
}
