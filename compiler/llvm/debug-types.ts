/**
 * Debug types as metadata text. LLVM's binding can make basic types only, so every type is a named placeholder while
 * the module is built, and its definition replaces the placeholder's in the printed text.
 */
import type { DebugType } from "../ir/ir.ts";
import { quoted } from "./text.ts";

const placeholderPrefix = "tv.type.";

/** The types of one module. */
export class DebugTypes {
  readonly #byKey = new Map<string, number>();
  readonly #types: DebugType[] = [];

  /** The placeholder's name of a type. */
  placeholder(type: DebugType): string {
    return `${placeholderPrefix}${this.#number(type)}`;
  }

  #number(type: DebugType): number {
    const key = keyOf(type);
    let number = this.#byKey.get(key);
    if (number === undefined) {
      number = this.#types.push(type) - 1;
      this.#byKey.set(key, number);
    }
    return number;
  }

  /** Replaces the placeholders of a printed module by definitions. */
  define(text: string): string {
    const nodes = new Map<number, number>();
    let next = 0;
    const lines = text.split("\n");
    for (const line of lines) {
      const node = /^!(\d+) = /.exec(line);
      if (node === null) continue;
      next = Math.max(next, Number(node[1]) + 1);
      const placeholder = /!DIBasicType\(name: "tv\.type\.(\d+)"/.exec(line);
      if (placeholder !== null) nodes.set(Number(placeholder[1]), Number(node[1]));
    }
    const kept = lines.filter((line) => !line.includes(`!DIBasicType(name: "${placeholderPrefix}`));
    const todo = [...nodes.keys()];
    const fresh = (definition: string): string => {
      kept.push(`!${next} = ${definition}`);
      return `!${next++}`;
    };
    const reference = (type: DebugType): string => {
      const number = this.#number(type);
      let node = nodes.get(number);
      if (node === undefined) {
        nodes.set(number, (node = next++));
        todo.push(number);
      }
      return `!${node}`;
    };
    for (let number = todo.pop(); number !== undefined; number = todo.pop()) {
      const definition = definitionOf(this.#types[number]!, reference, fresh);
      kept.push(`!${nodes.get(number)!} = ${definition}`);
    }
    return `${kept.join("\n")}\n`;
  }
}

function keyOf(type: DebugType): string {
  switch (type.kind) {
    case "int":
      return `int ${type.name} ${type.sizeBytes} ${type.signed}`;
    case "bool":
      return "bool";
    case "pointer":
      return `pointer ${type.to === undefined ? "" : keyOf(type.to)}`;
    case "array":
      return `array ${type.count} ${keyOf(type.of)}`;
    case "struct":
      return `struct ${type.sizeBytes} ${type.name}`;
  }
}

/** Bytes that a value of a debug type takes. */
function debugBytes(type: DebugType): number {
  if (type.kind === "bool") return 1;
  if (type.kind === "pointer") return 8;
  if (type.kind === "array") return type.count * debugBytes(type.of);
  return type.sizeBytes;
}

function definitionOf(
  type: DebugType,
  reference: (type: DebugType) => string,
  fresh: (definition: string) => string,
): string {
  const size = `size: ${8 * debugBytes(type)}`;
  switch (type.kind) {
    case "int": {
      const encoding = type.signed ? "DW_ATE_signed" : "DW_ATE_unsigned";
      return `!DIBasicType(name: ${quoted(type.name)}, ${size}, encoding: ${encoding})`;
    }
    case "bool":
      return `!DIBasicType(name: "boolean", ${size}, encoding: DW_ATE_boolean)`;
    case "pointer": {
      const base = type.to === undefined ? "null" : reference(type.to);
      return `!DIDerivedType(tag: DW_TAG_pointer_type, baseType: ${base}, ${size})`;
    }
    case "array": {
      const elements = fresh(`!{${fresh(`!DISubrange(count: ${type.count})`)}}`);
      const base = reference(type.of);
      return `!DICompositeType(tag: DW_TAG_array_type, baseType: ${base}, ${size}, elements: ${elements})`;
    }
    case "struct": {
      const members = type.fields.map((field) => {
        const of = field.type();
        const place = `size: ${8 * debugBytes(of)}, offset: ${8 * field.offset}`;
        const name = quoted(field.name);
        return fresh(
          `!DIDerivedType(tag: DW_TAG_member, name: ${name}, baseType: ${reference(of)}, ${place})`,
        );
      });
      const elements = fresh(`!{${members.join(", ")}}`);
      const name = quoted(type.name);
      return `!DICompositeType(tag: DW_TAG_structure_type, name: ${name}, ${size}, elements: ${elements})`;
    }
  }
}
