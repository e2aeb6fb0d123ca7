/**
 * The generated LLVM assembly into which bodies are then built: everything that LLVM's builder API cannot say.
 *
 * It holds the target, one `alwaysinline` function per kind of memory access and per inline-assembly site, globals with
 * initialisers, sections and relocations, assembly functions as module assembly, and one stub per function that carries
 * linkage, attributes and section.
 */
import type { IrFunction, IrModule, Param } from "../ir/ir.ts";
import { globalsText } from "./globals.ts";
import { requirementsOf, type Signature } from "./requirements.ts";
import { blockOperations, divisionHelpers, wideArithmetic } from "./runtime.ts";
import type { Target } from "./target.ts";
import { quoted, symbolText, typeText } from "./text.ts";

/** Prefix of the functions that wrap inline assembly. */
export const asmPrefix = "tv.asm.";

/** The function that every trap calls with its site's number. */
export const trapName = "tv.trap";

/** Where an assembly line came from, by line of the module's assembly (from 1). */
export interface AssemblyOrigin {
  readonly symbol: string;
  readonly line: string;
}

export interface Prelude {
  readonly text: string;
  /** By line of module assembly, for diagnostics. */
  readonly assembly: readonly AssemblyOrigin[];
  /** Assembly of an object to link beside the module: large initialisers. */
  readonly data: readonly string[];
}

/** Input of the prelude beside the module. */
export interface PreludeOptions {
  readonly target: Target;
  /** Optimisation off: for a debugger. */
  readonly debug: boolean;
  /** Symbols that the linker supplies. */
  readonly external: ReadonlySet<string>;
  /** Stores bytes too many for assembly text and gives their path. */
  readonly storeBlob: (symbol: string, bytes: Uint8Array) => string;
}

/** Writes the prelude of a module. */
export function preludeOf(module: IrModule, options: PreludeOptions): Prelude {
  const { target } = options;
  const needs = requirementsOf(module, target);
  const attributes = new AttributeGroups();
  // Groups 0 and 1 are named by the texts of access.ts and runtime.ts.
  attributes.group(["alwaysinline", ...target.attributes]);
  attributes.group(["noinline", "minsize", ...target.attributes]);
  const { trapHandler } = module;
  const trap = trapHandler === undefined ? undefined : trapText(trapHandler, target);
  const usedByAssembly = new Set(module.naked.flatMap((n) => n.uses));
  if (trapHandler !== undefined) usedByAssembly.add(trapHandler);
  const assembly = assemblyOf(module, target);
  const globals = globalsText(module, {
    ...options,
    signatures: signaturesOf(module, needs.calls),
    usedByAssembly,
  });
  const parts = [
    `source_filename = ${quoted(module.name)}`,
    `target datalayout = ${quoted(target.dataLayout)}`,
    `target triple = ${quoted(target.triple)}`,
    ...assembly.map(({ line }) => `module asm ${quoted(line)}`),
    ...needs.intrinsics.values(),
    ...[...needs.helpers.values()].map((helper) => helper.text),
    trap ?? "",
    needs.wideDivision ? divisionHelpers(target) : "",
    wideArithmetic(target),
    ...module.asmSites.map((_, number) => asmSiteText(module, number, target)),
    globals.text,
    ...declarations(module, needs.calls),
    ...module.functions.map((fn) =>
      stubText(fn, attributes.group(functionAttributes(fn, module, options)), usedByAssembly, target),
    ),
    ...attributes.texts(),
    // llc names a place only where its number is not 0.
    ...module.asmSites.map((_, number) => `!${number} = !{i32 ${number + 1}}`),
  ];
  return { text: `${parts.filter((part) => part !== "").join("\n")}\n`, assembly, data: globals.data };
}

class AttributeGroups {
  readonly #groups = new Map<string, number>();

  group(attributes: readonly string[]): number {
    const key = attributes.join(" ");
    const found = this.#groups.get(key) ?? this.#groups.size;
    this.#groups.set(key, found);
    return found;
  }

  texts(): string[] {
    return [...this.#groups].map(([key, number]) => `attributes #${number} = { ${key} }`);
  }
}

function functionAttributes(fn: IrFunction, module: IrModule, { target, debug }: PreludeOptions): string[] {
  const made = [...target.attributes];
  const isTrap = fn.symbol === module.trapHandler;
  if (isTrap) made.push("noreturn");
  if (fn.cold || isTrap) made.push("cold");
  if (debug) {
    // Every function stays a place for breakpoints, except what must be inlined to work.
    made.push(...(fn.inline === "always" ? ["alwaysinline"] : ["noinline", "optnone"]));
    return made
      .filter((attribute) => attribute !== "optsize" && !attribute.startsWith('"frame-pointer"'))
      .concat('"frame-pointer"="all"');
  }
  if (fn.cold) made.push("minsize");
  if (fn.inline === "always") made.push("alwaysinline");
  if (fn.inline === "never" || isTrap) made.push("noinline");
  return made;
}

function paramText(param: Param, exported: boolean): string {
  const attributes: string[] = [];
  if (param.type.kind === "ptr") {
    if (param.noalias === true) attributes.push("noalias");
    if (param.dereferenceableBytes !== undefined && param.dereferenceableBytes > 0) {
      attributes.push("nonnull", `dereferenceable(${param.dereferenceableBytes})`);
    }
  }
  if (exported && isNarrow(param.type)) attributes.push("zeroext");
  return [typeText(param.type), ...attributes].join(" ");
}

const isNarrow = (type: Param["type"]): boolean => type.kind === "int" && type.bits < 32;

function stubText(
  fn: IrFunction,
  group: number,
  usedByAssembly: ReadonlySet<string>,
  target: Target,
): string {
  const exported = fn.exported || usedByAssembly.has(fn.symbol);
  const linkage = exported ? "dso_local" : "internal";
  const zeroext = exported && isNarrow(fn.result) ? "zeroext " : "";
  const params = fn.params.map((param) => paramText(param, exported)).join(", ");
  const section = target.name === "efi" ? (fn.section ?? (fn.cold ? ".text$zcold" : undefined)) : undefined;
  const placed = section === undefined ? "" : ` section ${quoted(section)}`;
  const result = `${zeroext}${typeText(fn.result)}`;
  return `define ${linkage} ${result} ${symbolText(fn.symbol)}(${params}) #${group}${placed} {\n  unreachable\n}`;
}

function signatureText({ params, result }: Signature, symbol: string): string {
  return `declare dso_local ${typeText(result)} ${symbolText(symbol)}(${params.map(typeText).join(", ")})`;
}

function signaturesOf(module: IrModule, calls: ReadonlyMap<string, Signature>): Map<string, Signature> {
  const none: Signature = { params: [], result: { kind: "void" } };
  const made = new Map<string, Signature>();
  for (const fn of module.functions) {
    made.set(fn.symbol, { params: fn.params.map((p) => p.type), result: fn.result });
  }
  for (const { symbol } of module.naked) made.set(symbol, calls.get(symbol) ?? none);
  for (const { symbol, params, result } of module.imports ?? []) made.set(symbol, { params, result });
  return made;
}

function declarations(module: IrModule, calls: ReadonlyMap<string, Signature>): string[] {
  const signatures = signaturesOf(module, calls);
  const names = [...module.naked, ...(module.imports ?? [])].map(({ symbol }) => symbol);
  return names.map((symbol) => {
    const text = signatureText(signatures.get(symbol)!, symbol);
    return symbol === module.trapHandler ? `${text} noreturn cold nounwind` : `${text} nounwind`;
  });
}

function asmSiteText(module: IrModule, number: number, { siteClobbers }: Target): string {
  const { site, template, constraints, params, result, sideEffects } = module.asmSites[number]!;
  const type = typeText(result);
  const declared = params.map((param, i) => `${typeText(param)} %a${i}`).join(", ");
  const effects = sideEffects ? " sideeffect" : "";
  const all = [...constraints.split(",").filter((c) => c !== ""), ...siteClobbers].join(",");
  const call = `call ${type} asm${effects} ${quoted(template)}, ${quoted(all)}(${declared}), !srcloc !${number}`;
  const body = result.kind === "void" ? `  ${call}\n  ret void` : `  %r = ${call}\n  ret ${type} %r`;
  return `define internal ${type} ${symbolText(asmPrefix + site)}(${declared}) #0 {\n${body}\n}`;
}

/** Where every trap of the bare machine goes, with the site's number in ecx. */
const trapEntry = "tv.trap.entry";

/**
 * The call of the trap handler. On the bare machine it is assembly, because a call that LLVM sees would cost every
 * function that checks anything a frame.
 */
function trapText(handler: string, target: Target): string {
  const call =
    target.name === "efi"
      ? `call void asm sideeffect "callq ${trapEntry}", "{cx},~{memory}"(i32 %site)`
      : `call void ${symbolText(handler)}(i32 %site)`;
  return `define internal void @${trapName}(i32 %site) #0 {\n  ${call}\n  unreachable\n}`;
}

/** Gives the handler a frame in the chain of `rbp`, an aligned stack and the shadow space that Win64 asks for. */
function trapEntryLines(handler: string): string[] {
  const frame = ["pushq %rbp", "movq %rsp, %rbp", "andq $-16, %rsp", "subq $32, %rsp"];
  return ['.section .text$zcold,"xr"', `${trapEntry}:`, ...frame, `callq ${quoted(handler)}`];
}

function assemblyOf(module: IrModule, target: Target): AssemblyOrigin[] {
  const lines = blockOperations(target).map((line) => ({ symbol: "memcpy", line }));
  if (module.trapHandler !== undefined && target.name === "efi") {
    lines.push(...trapEntryLines(module.trapHandler).map((line) => ({ symbol: trapEntry, line })));
  }
  for (const naked of module.naked) {
    const name = quoted(naked.symbol);
    const head = [
      `.section ${naked.section ?? ".text"},"xr"`,
      `.globl ${name}`,
      // Marks the symbol as a function for the linker's map and for debuggers.
      `.def ${name}`,
      ".scl 2",
      ".type 32",
      ".endef",
      ".p2align 4",
      `${name}:`,
    ];
    lines.push(...[...head, ...naked.lines, ".code64"].map((line) => ({ symbol: naked.symbol, line })));
  }
  return lines;
}
