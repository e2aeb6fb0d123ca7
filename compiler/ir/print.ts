import type { Block, Instr, IrFunction, IrGlobal, IrModule, IrType, Loc, Terminator, Value } from "./ir.ts";

/** The name of a type: `i32`, `ptr`, `void`, `{ i64, i1 }`. */
export function printType(type: IrType): string {
  switch (type.kind) {
    case "int":
      return `i${type.bits}`;
    case "record":
      return type.fields.length === 0 ? "{}" : `{ ${type.fields.map(printType).join(", ")} }`;
    default:
      return type.kind;
  }
}

/** Options of the printer. */
export interface PrintOptions {
  /** Append the source line where it changes, as `; file:line`. */
  readonly locations?: boolean;
}

/** The textual form of a module: equal modules give equal text, whatever numbers their values had. */
export function printModule(module: IrModule, options: PrintOptions = {}): string {
  const parts = [
    [`module ${JSON.stringify(module.name)}`],
    module.trapHandler === undefined ? [] : [`trap handler @${module.trapHandler}`],
    module.traps.map((text, site) => `trap ${site} ${JSON.stringify(text)}`),
    (module.imports ?? []).map(
      ({ symbol, params, result }) =>
        `import @${symbol}(${params.map(printType).join(", ")}): ${printType(result)}`,
    ),
    module.globals.map(printGlobal),
    module.asmSites.map(
      (site) =>
        `asm ${site.site}(${site.params.map(printType).join(", ")}): ${printType(site.result)}` +
        `${site.sideEffects ? " effects" : ""} ${JSON.stringify(site.template)} ${JSON.stringify(site.constraints)}`,
    ),
    ...module.naked.map((naked) => [
      `naked @${naked.symbol}${naked.section === undefined ? "" : ` section ${JSON.stringify(naked.section)}`}` +
        `${naked.uses.length === 0 ? "" : ` uses ${naked.uses.map((use) => `@${use}`).join(", ")}`} {`,
      ...naked.lines.map((line) => `  ${line.trim()}`),
      "}",
    ]),
    ...module.functions.map((fn) => [printFunction(fn, options).trimEnd()]),
  ];
  return `${parts
    .filter((part) => part.length > 0)
    .map((part) => part.join("\n"))
    .join("\n\n")}\n`;
}

/** The textual form of one function. */
export function printFunction(fn: IrFunction, options: PrintOptions = {}): string {
  const printer = new FunctionPrinter(fn, options);
  const marks = [
    fn.exported ? "exported" : "",
    fn.inline === "auto" ? "" : `inline-${fn.inline}`,
    fn.cold ? "cold" : "",
    fn.section === undefined ? "" : `section ${JSON.stringify(fn.section)}`,
  ].filter((mark) => mark !== "");
  const params = fn.params.map((param) => {
    const facts = [
      param.noalias === true ? " noalias" : "",
      param.dereferenceableBytes === undefined ? "" : ` dereferenceable(${param.dereferenceableBytes})`,
    ];
    return `%${param.name}: ${printType(param.type)}${facts.join("")}`;
  });
  const head = `function @${fn.symbol}(${params.join(", ")}): ${printType(fn.result)}`;
  return `${[head, ...marks].join(" ")} {\n${fn.blocks.map((block) => printer.block(block)).join("")}}\n`;
}

function printGlobal(global: IrGlobal): string {
  const words = [
    global.constant ? "constant" : "global",
    `@${global.symbol}`,
    `${global.sizeBytes} bytes align ${global.align}`,
    global.exported === true ? "exported" : "",
    global.section === undefined ? "" : `section ${JSON.stringify(global.section)}`,
    global.init === undefined ? "" : `= ${printBytes(global.init)}`,
    ...(global.relocations ?? []).map(({ offset, symbol, addend }) => `[${offset}: @${symbol} + ${addend}]`),
  ];
  return words.filter((word) => word !== "").join(" ");
}

function printBytes(bytes: Uint8Array): string {
  const shown = Buffer.from(bytes.subarray(0, 64)).toString("hex");
  return bytes.length > 64 ? `${shown}... (${bytes.length})` : shown === "" ? "empty" : shown;
}

class FunctionPrinter {
  readonly #numbers = new Map<number, number>();
  readonly #fn: IrFunction;
  readonly #options: PrintOptions;
  #loc: Loc | undefined;

  constructor(fn: IrFunction, options: PrintOptions) {
    this.#fn = fn;
    this.#options = options;
    for (const { instrs } of fn.blocks) {
      for (const { result } of instrs)
        if (result.type.kind !== "void") this.#numbers.set(result.id, this.#numbers.size);
    }
  }

  block(block: Block): string {
    const lines = block.instrs.map((instr) => this.#located(this.#instr(instr), instr.loc));
    const end = block.end === undefined ? "(no end)" : this.#located(this.#end(block.end), block.end.loc);
    return `${block.label}:\n${[...lines, end].map((line) => `  ${line}\n`).join("")}`;
  }

  #located(text: string, loc: Loc | undefined): string {
    if (this.#options.locations !== true || loc === undefined) return text;
    if (loc.file === this.#loc?.file && loc.line === this.#loc.line) return text;
    this.#loc = loc;
    return `${text} ; ${loc.file}:${loc.line}`;
  }

  #value(value: Value): string {
    switch (value.kind) {
      case "const":
        return `${printType(value.type)} ${value.value}`;
      case "null":
        return "null";
      case "param":
        return `%${this.#fn.params[value.index]?.name ?? `param${value.index}`}`;
      case "symbol":
        return `@${value.symbol}`;
      case "result":
        return `%${this.#numbers.get(value.id) ?? `?${value.id}`}`;
    }
  }

  #values(values: readonly Value[]): string {
    return values.map((value) => this.#value(value)).join(", ");
  }

  #instr(instr: Instr): string {
    const text = this.#body(instr);
    return instr.result.type.kind === "void" ? text : `%${this.#numbers.get(instr.result.id)} = ${text}`;
  }

  #body(instr: Instr): string {
    const type = printType(instr.result.type);
    switch (instr.op) {
      case "slot":
        return `slot ${instr.name} ${instr.sizeBytes} align ${instr.align}`;
      case "binary":
        return `${instr.fn} ${type} ${this.#values([instr.a, instr.b])}`;
      case "compare":
        return `${instr.pred} ${printType(instr.a.type)} ${this.#values([instr.a, instr.b])}`;
      case "cast":
        return `${instr.fn} ${printType(instr.a.type)} ${this.#value(instr.a)} to ${type}`;
      case "unary":
        return `${instr.fn} ${type} ${this.#value(instr.a)}`;
      case "select":
        return `select ${type} ${this.#values([instr.cond, instr.a, instr.b])}`;
      case "offset":
        return `offset ${this.#value(instr.base)}, ${instr.bytes}`;
      case "index":
        return `index ${this.#values([instr.base, instr.index])} * ${instr.strideBytes}`;
      case "load":
        return `load${accessMarks(instr)} ${type} ${this.#value(instr.from)} align ${instr.align}`;
      case "store":
        return (
          `store${accessMarks(instr)} ${printType(instr.value.type)} ${this.#value(instr.value)} ` +
          `to ${this.#value(instr.to)} align ${instr.align}`
        );
      case "rmw":
        return `rmw ${instr.fn} ${instr.order} ${type} ${this.#values([instr.at, instr.value])}`;
      case "cmpxchg":
        return `cmpxchg ${instr.order} ${type} ${this.#values([instr.at, instr.expected, instr.desired])}`;
      case "fence":
        return `fence ${instr.order}`;
      case "copy":
        return `${instr.overlap ? "move" : "copy"} ${this.#values([instr.to, instr.from, instr.bytes])}`;
      case "fill":
        return `fill ${this.#values([instr.to, instr.fill, instr.bytes])}`;
      case "call":
        return `call ${type} @${instr.callee}(${this.#values(instr.args)})`;
      case "callAsm":
        return `asm ${type} ${instr.site}(${this.#values(instr.args)})`;
      case "callPointer":
        return `call ${type} ${this.#value(instr.callee)}(${this.#values(instr.args)})`;
      case "record":
        return `record ${type} (${this.#values(instr.fields)})`;
      case "extract":
        return `extract ${type} ${this.#value(instr.from)}, ${instr.index}`;
      case "assume":
        return `assume ${this.#value(instr.cond)}`;
      case "declare":
        return `declare ${instr.name} ${this.#value(instr.slot)}`;
    }
  }

  #end(end: Terminator): string {
    switch (end.op) {
      case "jump":
        return `jump ${end.to.label}`;
      case "branch": {
        const weights = end.weights === undefined ? "" : ` (${end.weights.join(":")})`;
        return `branch${weights} ${this.#value(end.cond)}, ${end.then.label}, ${end.else.label}`;
      }
      case "switch": {
        const cases = end.cases.map(
          (c) => `${c.value}: ${c.to.label}${c.weight === 1 ? "" : ` (${c.weight})`}`,
        );
        return `switch ${this.#value(end.on)} [${cases.join(", ")}] else ${end.otherwise.label}`;
      }
      case "return":
        return end.value === undefined ? "return" : `return ${this.#value(end.value)}`;
      case "trap":
        return `trap ${end.site}`;
      case "unreachable":
        return "unreachable";
    }
  }
}

function accessMarks(access: { volatile: boolean; order: string | undefined }): string {
  return `${access.volatile ? " volatile" : ""}${access.order === undefined ? "" : ` ${access.order}`}`;
}
