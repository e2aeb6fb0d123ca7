/** Hand-built IR modules for tests of the emitter and the linker. */
import { FunctionBuilder } from "../ir/builder.ts";
import type { AsmSite, IrFunction, IrGlobal, IrModule, IrType, Param } from "../ir/ir.ts";

/** A module with nothing in it, or only what is given. */
export function sampleModule(parts: Partial<IrModule> = {}): IrModule {
  const empty = {
    name: "sample",
    functions: [],
    globals: [],
    asmSites: [],
    naked: [],
    traps: [],
    trapHandler: undefined,
  };
  return { ...empty, ...parts };
}

/** A function whose body `build` appends; line 1 of `sample.ts` unless the options say otherwise. */
export function sampleFunction(
  symbol: string,
  params: readonly (IrType | Param)[],
  result: IrType,
  build: (b: FunctionBuilder) => void,
  options: Partial<IrFunction> = {},
): IrFunction {
  const b = new FunctionBuilder();
  const loc = options.loc ?? { file: "sample.ts", line: 1, column: 1 };
  b.loc = loc;
  build(b);
  const named = params.map((param, i): Param => ("name" in param ? param : { name: `p${i}`, type: param }));
  return {
    symbol,
    displayName: symbol,
    loc,
    params: named,
    result,
    exported: true,
    inline: "auto",
    cold: false,
    ...options,
    blocks: b.finish(),
  };
}

/** A global without a place in a source. */
export function sampleGlobal(symbol: string, sizeBytes: number, options: Partial<IrGlobal> = {}): IrGlobal {
  return { symbol, displayName: symbol, loc: undefined, sizeBytes, align: 8, constant: false, ...options };
}

/** Writes a byte to an I/O port: (port: i16, value: i8). */
export const outSite: AsmSite = {
  site: "out",
  template: "outb $1, $0",
  constraints: "{dx},{ax}",
  params: [
    { kind: "int", bits: 16 },
    { kind: "int", bits: 8 },
  ],
  result: { kind: "void" },
  sideEffects: true,
  loc: undefined,
};

/** Says a byte on COM1, when it has room: (value: i8). */
export const saySite: AsmSite = {
  site: "say",
  template: [
    "movw $$0x3fd, %dx",
    "1: inb %dx, %al",
    "testb $$0x20, %al",
    "jz 1b",
    "movw $$0x3f8, %dx",
    "movb %cl, %al",
    "outb %al, %dx",
  ].join("\n\t"),
  constraints: "{cx},~{ax},~{dx},~{memory}",
  params: [{ kind: "int", bits: 8 }],
  result: { kind: "void" },
  sideEffects: true,
  loc: undefined,
};
