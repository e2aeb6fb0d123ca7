/**
 * A whole program: which specialisations, storage, tables and texts its entry points reach. A specialisation is a
 * function's site, what it captured, and the shapes of its arguments; equal ones are one function.
 */
import { ts } from "ts-morph";
import type { EntryPoint, Program } from "../../dsl/core/program.ts";
import type { ArrayDescriptor, Descriptor, StructDescriptor } from "../../dsl/core/layout.ts";
import type { Storage } from "../../dsl/core/storage.ts";
import { constant, symbolAddress } from "../ir/builder.ts";
import {
  i32,
  i64,
  type AsmSite,
  type IrGlobal,
  type IrModule,
  type Loc,
  type Param,
  type Value,
} from "../ir/ir.ts";
import { assignedSymbols } from "./assigned.ts";
import { bindPattern } from "./bind.ts";
import { debugTypeOf } from "./debug-type.ts";
import { declaredType, plainRange, type Declared } from "./declared.ts";
import type { Front, FunctionSite } from "./front.ts";
import { FunctionLowering, memoryInt } from "./function.ts";
import { signed, unsigned } from "./interval.ts";
import { carriedAt } from "./numeric.ts";
import { describe, type Operand } from "./operand.ts";
import { placeShape } from "./place.ts";
import { Refused } from "./refusal.ts";
import { irTypes, joinShapes, shapeKey, shapeOf, type Shape } from "./shape.ts";

/** A compiled function, or one that is being compiled. */
interface Specialisation {
  readonly symbol: string;
  /** Undefined until its body is done. */
  result: Shape | undefined;
  /** Its body was refused, which has been said. */
  refused: boolean;
  neverReturns: boolean;
  /** Kept as a function of its own. */
  measured: boolean;
}

export class ProgramLowering {
  readonly module: IrModule;
  readonly #specialisations = new Map<string, Specialisation>();
  readonly #identities = new Map<unknown, number>();
  readonly #symbols = new Map<string, number>();
  readonly #assigned = new Map<ts.Node, ReadonlySet<ts.Symbol>>();
  readonly #globals = new Map<unknown, string>();
  readonly #asm = new Map<object, string>();
  readonly #naked = new Map<object, string>();
  readonly #thunks = new Map<object, string>();
  readonly #traps = new Map<string, number>();

  constructor(
    readonly front: Front,
    name: string,
    readonly debug: boolean,
    /** Traps where an integer leaves its interval: for tests of the compiler. */
    readonly checkIntervals = false,
  ) {
    this.module = {
      name,
      functions: [],
      globals: [],
      asmSites: [],
      naked: [],
      traps: [],
      trapHandler: undefined,
    };
  }

  /** Lowers a program. Refusals go to the front end; the module is complete only where there were none. */
  lower(program: Program): IrModule {
    for (const { symbol } of program.entries) this.#symbols.set(symbol, 1);
    if (program.trap !== undefined) this.module.trapHandler = "typevisor_trap";
    this.#exitHandler = program.exitHandler && this.identity(program.exitHandler);
    for (const entry of program.entries) this.#entry(entry);
    if (program.trap !== undefined) this.#trapEntry(program.trap);
    this.#storageContents();
    if (program.hot !== undefined) this.module.hot = program.hot.flatMap((fn) => this.#symbolsOf(fn));
    if (program.exitHandler !== undefined) this.module.exitHandler = this.#symbolsOf(program.exitHandler)[0]!;
    return this.module;
  }

  /** Identity of the function that must stay one, to be measured. */
  #exitHandler: string | undefined;
  readonly #compiled = new Map<string, string[]>();

  /** The specialisations of a function, in the order of their first calls. */
  #symbolsOf(fn: object): readonly string[] {
    return this.#compiled.get(this.identity(fn)) ?? [];
  }

  // ---- Names ------------------------------------------------------------------------------------------------------

  /** A text that is equal for the same value and for no other. */
  identity = (value: unknown): string => {
    if (value === null || (typeof value !== "object" && typeof value !== "function"))
      return primitiveKey(value);
    const fn = typeof value === "function" ? this.front.site(value) : undefined;
    if (fn !== undefined) return this.#functionIdentity(value, fn);
    return this.#numbered(value);
  };

  #numbered(value: unknown): string {
    let id = this.#identities.get(value);
    if (id === undefined) this.#identities.set(value, (id = this.#identities.size));
    return `#${id}`;
  }

  #functionIdentity(fn: object, site: FunctionSite): string {
    const knownId = this.#identities.get(fn);
    if (knownId !== undefined) return `#${knownId}`;
    // Set first: functions may capture each other.
    const fallback = this.#numbered(fn);
    // What is not compiled may capture anything.
    if (this.front.core.intrinsics.intrinsicName(fn) !== undefined) return fallback;
    const captured = this.#capturesOf(site).map(([name, value]) => `${name}=${this.identity(value)}`);
    const text = `${site.id}(${captured.join()})`;
    const shared = this.#shared.get(text);
    if (shared === undefined) {
      this.#shared.set(text, this.#identities.get(fn)!);
      return fallback;
    }
    this.#identities.set(fn, shared);
    return `#${shared}`;
  }
  readonly #shared = new Map<string, number>();

  /** Captures that were refused, by site; said when the function is compiled. */
  readonly #refusedCaptures = new Map<FunctionSite, unknown>();

  #capturesOf(site: FunctionSite): [string, unknown][] {
    try {
      return [...site.captures()];
    } catch (error) {
      this.#refusedCaptures.set(site, error);
      return [[site.id, site]];
    }
  }

  /** A symbol that nothing else has. */
  #unique(name: string): string {
    const base = name.replace(/[^A-Za-z0-9_.$]/g, "_");
    const n = this.#symbols.get(base) ?? 0;
    this.#symbols.set(base, n + 1);
    return n === 0 ? base : `${base}.${n}`;
  }

  /** Where a node begins. */
  locOf(node: ts.Node): Loc {
    let loc = this.#locs.get(node);
    if (loc === undefined) {
      const file = node.getSourceFile();
      const { line, character } = file.getLineAndCharacterOfPosition(node.getStart(file));
      this.#locs.set(
        node,
        (loc = { file: this.front.displayPath(file.fileName), line: line + 1, column: character + 1 }),
      );
    }
    return loc;
  }
  readonly #locs = new Map<ts.Node, Loc>();

  /** What an identifier names. */
  symbolOf(node: ts.Identifier): ts.Symbol | undefined {
    let symbol = this.#symbolsOfNames.get(node);
    if (symbol === undefined && !this.#symbolsOfNames.has(node)) {
      const { checker } = this.front;
      symbol = ts.isShorthandPropertyAssignment(node.parent)
        ? checker.getShorthandAssignmentValueSymbol(node.parent)
        : checker.getSymbolAtLocation(node);
      this.#symbolsOfNames.set(node, symbol);
    }
    return symbol;
  }
  readonly #symbolsOfNames = new Map<ts.Identifier, ts.Symbol | undefined>();

  /** Whether TypeScript knows nothing of an expression or a declaration. */
  isAny(node: ts.Node): boolean {
    let any = this.#any.get(node);
    if (any === undefined)
      this.#any.set(
        node,
        (any = (this.front.checker.getTypeAtLocation(node).flags & ts.TypeFlags.Any) !== 0),
      );
    return any;
  }
  readonly #any = new Map<ts.Node, boolean>();

  /** What a declared type says. */
  declaredOf(type: ts.Type): Declared {
    let declared = this.#declared.get(type);
    if (declared === undefined) this.#declared.set(type, (declared = declaredType(this.front.checker, type)));
    return declared;
  }
  readonly #declared = new Map<ts.Type, Declared>();

  // ---- Functions --------------------------------------------------------------------------------------------------

  /** The shape of each argument as the callee takes it. */
  #parameterShapes(
    caller: FunctionLowering | undefined,
    site: FunctionSite,
    args: readonly Operand[],
    at: ts.Node,
  ): Shape[] {
    return site.node.parameters.map((parameter, i) => {
      const operand = args[i];
      if (operand === undefined) {
        if (caller !== undefined) caller.refuse("missing-argument", at, { name: parameter.name.getText() });
        throw new Error(`${site.name}: argument ${i} is missing`);
      }
      const own = shapeOf(operand);
      if (own.kind === "struct" && own.descriptor === undefined) return { kind: "known", value: null };
      return placeShape(
        this.front.checker,
        this.front.checker.getTypeAtLocation(parameter),
        own,
        parameter,
        "widest",
      );
    });
  }

  /** Calls a function of the program; compiles it for these arguments if that has not been done. */
  call(
    caller: FunctionLowering,
    fn: object,
    site: FunctionSite,
    args: readonly Operand[],
    at: ts.Node,
    argNodes: readonly ts.Node[],
  ): Operand {
    const node = site.node;
    for (const parameter of node.parameters) {
      if (parameter.questionToken !== undefined || parameter.initializer !== undefined)
        caller.refuse("optional-parameter", parameter);
      if (parameter.dotDotDotToken !== undefined) caller.refuse("spread", parameter);
    }
    const shapes = this.#parameterShapes(caller, site, args, at);
    const specialisation = this.#specialise(fn, site, shapes, caller.strict, [at, ...caller.trail], (code) =>
      caller.refuse(code, at, { name: site.name }),
    );
    const values = shapes.flatMap((shape, i) =>
      caller.flatten(args[i]!, shape, argNodes[i] ?? at, typeNameOf(this.front.checker, node.parameters[i]!)),
    );
    const result = specialisation.result;
    if (result === undefined) return caller.refuse("recursion", at, { name: site.name });
    // Nothing is known of what a refused function gives, so nothing can be said of what is done with it.
    if (specialisation.refused && declaredResult(this.front.checker, node).kind === "other")
      throw new Refused(site.name);
    const types = irTypes(result);
    const irResult =
      types.length === 0
        ? ({ kind: "void" } as const)
        : types.length === 1
          ? types[0]!
          : ({ kind: "record", fields: types } as const);
    const value = caller.b.call(specialisation.symbol, irResult, values);
    if (specialisation.neverReturns) {
      caller.b.unreachable();
      caller.leave();
      return { kind: "void" };
    }
    const parts = types.length <= 1 ? [value] : types.map((_, i) => caller.b.extract(value, i));
    return caller.unflatten(result, types.length === 0 ? [] : parts);
  }

  #specialise(
    fn: object,
    site: FunctionSite,
    shapes: readonly Shape[],
    callerStrict: boolean,
    trail: readonly ts.Node[],
    refuse: (code: string) => never,
  ): Specialisation {
    const stratum = this.front.stratumOf(site.node.getSourceFile().fileName);
    const strict = stratum === "model" || (stratum === "dsl" && callerStrict);
    const key = `${this.identity(fn)}${strict ? "!" : ""}(${shapes.map((s) => shapeKey(s, this.identity)).join(";")})`;
    const done = this.#specialisations.get(key);
    if (done !== undefined)
      return done.result === undefined && !done.neverReturns ? refuse("recursion") : done;
    const specialisation: Specialisation = {
      symbol: this.#unique(site.name),
      result: undefined,
      refused: false,
      neverReturns: false,
      measured: false,
    };
    this.#specialisations.set(key, specialisation);
    const name = this.identity(fn);
    specialisation.measured = name === this.#exitHandler;
    this.#compiled.set(name, [...(this.#compiled.get(name) ?? []), specialisation.symbol]);
    this.#compile(specialisation, site, shapes, strict, stratum, trail);
    return specialisation;
  }

  #compile(
    specialisation: Specialisation,
    site: FunctionSite,
    shapes: readonly Shape[],
    strict: boolean,
    stratum: ReturnType<Front["stratumOf"]>,
    trail: readonly ts.Node[],
  ): void {
    const node = site.node;
    const refusedCapture = this.#refusedCaptures.get(site);
    if (refusedCapture !== undefined) throw refusedCapture;
    const f = new FunctionLowering(this, site, strict, stratum, trail, this.#assignedIn(node));
    f.at(node);
    const params: Param[] = [];
    const checker = this.front.checker;
    const declared = declaredResult(checker, node);
    try {
      if (node.asteriskToken !== undefined) f.refuse("generator", node);
      if (node.modifiers?.some((m) => m.kind === ts.SyntaxKind.AsyncKeyword) === true)
        f.refuse("async", node);
      if (node.body === undefined) f.refuse("unsupported", node, { what: "a function without a body" });
      const signature = checker.getSignatureFromDeclaration(node);
      if (
        signature !== undefined &&
        (checker.getReturnTypeOfSignature(signature).flags & ts.TypeFlags.Any) !== 0
      )
        f.refuse("any", node.type ?? node.name ?? node);
      node.parameters.forEach((parameter, i) => {
        if (this.isAny(parameter)) f.refuse("any", parameter);
        const shape = shapes[i]!;
        const values = irTypes(shape).map((type): Value => {
          const index = params.length;
          const debugType = debugTypeOf(shape);
          const size =
            shape.kind === "struct" && !shape.nullable
              ? shape.descriptor?.size
              : shape.kind === "array"
                ? shape.descriptor.size
                : undefined;
          params.push({
            name: ts.isIdentifier(parameter.name) ? parameter.name.text : `p${i}`,
            type,
            debugType,
            ...(size !== undefined && size > 0 && { dereferenceableBytes: size }),
          });
          return { kind: "param", type, index };
        });
        const operand = f.unflatten(shape, [...values]);
        if (ts.isIdentifier(parameter.name))
          f.declare(parameter.name, operand, this.#isAssigned(f, parameter.name));
        else bindPattern(f, parameter.name, operand);
      });
      if (ts.isBlock(node.body!)) {
        for (const statement of node.body.statements) f.statement(statement);
        if (f.env !== undefined) f.returns.push({ block: f.b.current, operand: { kind: "void" }, node });
      } else {
        const operand = f.expression(node.body as ts.Expression);
        if (f.env !== undefined)
          f.returns.push({
            block: f.b.current,
            operand: declared.kind === "void" ? { kind: "void" } : operand,
            node: node.body!,
          });
      }
      if (f.refused) throw new Refused("a statement");
      specialisation.result = this.#finish(f, declared, specialisation);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      specialisation.refused = true;
      specialisation.result = fallbackResult(declared);
      return;
    }
    const result = irTypes(specialisation.result);
    this.module.functions.push({
      symbol: specialisation.symbol,
      displayName: site.name,
      loc: this.locOf(node),
      params,
      result:
        result.length === 0
          ? { kind: "void" }
          : result.length === 1
            ? result[0]!
            : { kind: "record", fields: result },
      blocks: f.b.finish(),
      exported: false,
      inline: specialisation.measured ? "never" : "auto",
      cold: specialisation.neverReturns,
    });
  }

  /** Closes the return paths, in one shape. */
  #finish(
    f: FunctionLowering,
    declared: ReturnType<typeof declaredResult>,
    specialisation: Specialisation,
  ): Shape {
    if (f.returns.length === 0) {
      specialisation.neverReturns = true;
      return { kind: "void" };
    }
    let shape: Shape | undefined;
    for (const { operand, node } of f.returns) {
      const own =
        declared.kind === "void"
          ? ({ kind: "void" } as const)
          : resultShape(this.front.checker, f.site.node, operand);
      const joined = shape === undefined ? own : joinShapes(shape, own);
      if (joined === undefined)
        f.refuse("mixed-shapes", node, {
          what: `${describe(f.returns[0]!.operand)} and ${describe(operand)}`,
        });
      shape = joined;
    }
    for (const { block, operand, node } of f.returns) {
      f.b.reopen(block);
      f.at(node);
      const values = f.flatten(operand, shape!, node, declared.kind === "int" ? declared.name : "the result");
      f.b.return(values.length === 0 ? undefined : values.length === 1 ? values[0]! : f.b.record(values));
    }
    return shape!;
  }

  #assignedIn(node: ts.Node): ReadonlySet<ts.Symbol> {
    let set = this.#assigned.get(node);
    if (set === undefined) this.#assigned.set(node, (set = assignedSymbols(node, this.front.checker)));
    return set;
  }

  #isAssigned(f: FunctionLowering, name: ts.Identifier): boolean {
    const symbol = this.front.checker.getSymbolAtLocation(name);
    return symbol !== undefined && f.assigned.has(symbol);
  }

  /** Compiles a function for arguments of given shapes, as a call would: for tests and for checking a library. */
  compileFor(fn: object, shapes: readonly Shape[]): void {
    const site = this.front.site(fn);
    if (site === undefined) throw new Error("no function of the sources");
    this.#specialise(fn, site, shapes, false, [], () => {
      throw new Refused("recursion");
    });
  }

  // ---- Entry points -----------------------------------------------------------------------------------------------

  #entry(entry: EntryPoint): void {
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
      this,
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
      const operand = this.call(thunk, fn, site, args, site.node, []);
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
    this.module.functions.push({
      symbol,
      displayName: site.name,
      loc: this.locOf(site.node),
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
    const symbol = this.#unique(`${site.name}.entry`);
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
      const place = this.storageAddress(value);
      if (place !== undefined && place.offset !== 0) refuse("naked-use", { name });
      uses.set(name, place?.symbol ?? this.functionSymbol(value, refuse));
    }
    const lines = definition.lines.map((line) =>
      line.replace(/%\{(\w+)\}/g, (_, name: string) => uses.get(name) ?? refuse("naked-use", { name })),
    );
    this.module.naked.push({
      symbol: definition.symbol,
      displayName: definition.symbol,
      lines,
      uses: [...uses.values()],
      loc: undefined,
      ...(definition.section !== undefined && { section: definition.section }),
    });
    return definition.symbol;
  }

  // ---- Traps ------------------------------------------------------------------------------------------------------

  /** The number of a trap site. */
  trapSite(message: string, loc: Loc | undefined): number {
    const text = loc === undefined ? message : `${loc.file}:${loc.line}: ${message}`;
    let site = this.#traps.get(text);
    if (site === undefined) {
      site = this.module.traps.length;
      this.#traps.set(text, site);
      this.module.traps.push(text);
    }
    return site;
  }

  /** `typevisor_trap(site)`: looks up the site's text and calls the program's handler. */
  #trapEntry(handler: object): void {
    const site = this.front.site(handler);
    if (site === undefined) throw new Error("the trap handler is no function of the program");
    const f = new FunctionLowering(
      this,
      { ...site, captures: () => new Map() },
      false,
      "platform",
      [],
      new Set(),
    );
    const number: Value = { kind: "param", type: i32, index: 0 };
    const table = "typevisor_trap_texts";
    const entry = f.b.index(symbolAddress(table), f.b.cast("zext", number, i64), 16);
    const u64Range = { lo: 0n, hi: (1n << 64n) - 1n };
    const u32Range = { lo: 0n, hi: (1n << 32n) - 1n };
    const args: Operand[] = [
      { kind: "int", big: false, range: u32Range, value: number },
      { kind: "int", big: true, range: u64Range, value: f.b.load(i64, entry, 8) },
      { kind: "int", big: false, range: u32Range, value: f.b.load(i32, f.b.offset(entry, 8), 4) },
    ];
    this.call(f, handler, site, args, site.node, []);
    if (f.env !== undefined) f.b.unreachable();
    this.module.functions.push({
      symbol: "typevisor_trap",
      displayName: "trap",
      loc: this.locOf(site.node),
      params: [{ name: "site", type: i32 }],
      result: { kind: "void" },
      blocks: f.b.finish(),
      exported: true,
      inline: "never",
      cold: true,
    });
    // The texts, one blob, and a table of { u64 address, u32 length, u32 0 }.
    const texts = this.module.traps.map((text) => new TextEncoder().encode(text));
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
    this.module.globals.push(
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

  // ---- Data -------------------------------------------------------------------------------------------------------

  readonly #storages: Storage[] = [];

  /** Where a storage view lies in the image; undefined where the value lies in no storage. */
  storageAddress(value: unknown): { symbol: string; offset: number } | undefined {
    const place = this.front.core.layout.location(value);
    if (place === undefined) return undefined;
    return this.#storageAt(place.address);
  }

  #storageAt(address: number): { symbol: string; offset: number } | undefined {
    const found = this.front.core.storage
      .declaredStorage()
      .find((s) => address >= s.address && address < s.address + Math.max(1, s.descriptor.size));
    if (found === undefined) return undefined;
    let symbol = this.#globals.get(found);
    if (symbol === undefined) {
      this.#globals.set(found, (symbol = this.#unique(found.name)));
      this.#storages.push(found);
    }
    return { symbol, offset: address - found.address };
  }

  /** Static storage with what module scope left in it; references become relocations. */
  #storageContents(): void {
    const { buffer } = this.front.core.memory.memory;
    // References may reach storage that nothing else does, so the list grows while it is walked.
    for (let i = 0; i < this.#storages.length; i++) {
      const item = this.#storages[i]!;
      const init = new Uint8Array(buffer.slice(item.address, item.address + item.descriptor.size));
      const relocations: { offset: number; symbol: string; addend: number }[] = [];
      const view = new DataView(init.buffer);
      const visit = (descriptor: Descriptor, offset: number): void => {
        if (descriptor.kind === "struct")
          for (const field of descriptor.fields) visit(field.descriptor, offset + field.offset);
        else if (descriptor.kind === "array" && holdsReferences(descriptor.element)) {
          for (let n = 0; n < descriptor.length; n++)
            visit(descriptor.element, offset + n * descriptor.stride);
        } else if (descriptor.kind === "ref") {
          const target = Number(view.getBigUint64(offset, true));
          if (target === 0) return;
          const place = this.#storageAt(target);
          if (place === undefined)
            throw new Error(
              `${item.name}: a reference at byte ${offset} leads to nothing that is in the image`,
            );
          relocations.push({ offset, symbol: place.symbol, addend: place.offset });
          view.setBigUint64(offset, 0n, true);
        }
      };
      if (holdsReferences(item.descriptor)) visit(item.descriptor, 0);
      const zero = relocations.length === 0 && init.every((byte) => byte === 0);
      this.module.globals.push({
        symbol: this.#globals.get(item)!,
        displayName: item.name,
        loc: undefined,
        sizeBytes: item.descriptor.size,
        align: item.align,
        constant: item.constant,
        ...(!zero && { init, relocations }),
        ...(item.section !== undefined && { section: item.section }),
        debugType: debugTypeOf(shapeOfDescriptor(item.descriptor)),
      });
    }
  }

  /** A read-only table of the integers of a build-time array. */
  table(values: readonly (number | bigint | boolean)[], size: 1 | 2 | 4 | 8): string {
    const key = `table ${size}: ${values.map(BigInt).join()}`;
    const knownSymbol = this.#globals.get(key);
    if (knownSymbol !== undefined) return knownSymbol;
    const init = new Uint8Array(values.length * size);
    const view = new DataView(init.buffer);
    values.forEach((value, i) => {
      const bits = BigInt.asUintN(64, BigInt(value));
      for (let n = 0; n < size; n++) view.setUint8(i * size + n, Number((bits >> BigInt(8 * n)) & 0xffn));
    });
    const symbol = this.#unique("table");
    this.#globals.set(key, symbol);
    this.#constant({
      symbol,
      displayName: "table",
      loc: undefined,
      sizeBytes: init.length,
      align: size,
      constant: true,
      init,
    });
    return symbol;
  }

  /** The symbol of a text's bytes. */
  textSymbol(text: { readonly address: bigint; readonly length: number }): string {
    const knownSymbol = this.#globals.get(text);
    if (knownSymbol !== undefined) return knownSymbol;
    const at = Number(text.address);
    const init = new Uint8Array(
      this.front.core.memory.memory.buffer.slice(at, at + Math.max(1, text.length)),
    );
    const symbol = this.#unique("text");
    this.#globals.set(text, symbol);
    this.#constant({
      symbol,
      displayName: "text",
      loc: undefined,
      sizeBytes: init.length,
      align: 1,
      constant: true,
      init,
    });
    return symbol;
  }

  #constant(global: IrGlobal): void {
    this.module.globals.push(global);
  }

  /** The site of an assembly definition. */
  asmSite(fn: object, site: Omit<AsmSite, "site">): string {
    let name = this.#asm.get(fn);
    if (name === undefined) {
      this.#asm.set(fn, (name = `asm.${this.#asm.size}`));
      this.module.asmSites.push({ ...site, site: name });
    }
    return name;
  }
}

/** A text that is equal for equal primitives only, also between others. */
function primitiveKey(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  return `${typeof value}:${Object.is(value, -0) ? "-0" : String(value)}`;
}

function holdsReferences(descriptor: Descriptor): boolean {
  switch (descriptor.kind) {
    case "ref":
      return true;
    case "array":
      return holdsReferences(descriptor.element);
    case "struct":
      return descriptor.fields.some((f) => holdsReferences(f.descriptor));
    default:
      return false;
  }
}

function shapeOfDescriptor(descriptor: Descriptor): Shape {
  if (descriptor.kind === "array") return { kind: "array", descriptor: descriptor as ArrayDescriptor };
  return { kind: "struct", descriptor: descriptor as StructDescriptor, nullable: false };
}

function typeNameOf(checker: ts.TypeChecker, parameter: ts.ParameterDeclaration): string {
  const declared = declaredType(checker, checker.getTypeAtLocation(parameter));
  return declared.kind === "int" ? declared.name : checker.typeToString(checker.getTypeAtLocation(parameter));
}

function declaredResult(
  checker: ts.TypeChecker,
  node: ts.FunctionLikeDeclaration,
): ReturnType<typeof declaredType> {
  const signature = checker.getSignatureFromDeclaration(node);
  return signature === undefined
    ? { kind: "other" }
    : declaredType(checker, checker.getReturnTypeOfSignature(signature));
}

/** The shape in which a function returns an operand. */
function resultShape(checker: ts.TypeChecker, node: ts.FunctionLikeDeclaration, operand: Operand): Shape {
  const signature = checker.getSignatureFromDeclaration(node);
  const own = shapeOf(operand);
  return signature === undefined
    ? own
    : placeShape(checker, checker.getReturnTypeOfSignature(signature), own, node, "own");
}

/** What callers of a refused function go on with, so that they report their own errors. */
function fallbackResult(declared: ReturnType<typeof declaredType>): Shape {
  switch (declared.kind) {
    case "int":
      return { kind: "int", big: declared.big, range: declared.range, bits: declared.big ? 64 : 32 };
    case "plain":
      return {
        kind: "int",
        big: declared.big,
        range: plainRange(declared.big),
        bits: declared.big ? 128 : 64,
      };
    case "bool":
      return { kind: "bool" };
    default:
      return { kind: "void" };
  }
}
