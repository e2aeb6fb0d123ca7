/** What an image owns besides code: static storage with its initial contents, tables and texts. */
import type { Descriptor } from "../../dsl/core/layout.ts";
import type { Storage } from "../../dsl/core/storage.ts";
import type { IrGlobal, IrModule, Loc } from "../ir/ir.ts";
import { debugTypeOfDescriptor } from "./debug-type.ts";
import type { Front } from "./front.ts";

/** Collects a program's data; only what is asked for is in the image. */
export class StaticData {
  readonly front: Front;
  readonly module: IrModule;
  readonly #unique: (name: string) => string;
  readonly #globals = new Map<unknown, string>();

  constructor(front: Front, module: IrModule, unique: (name: string) => string) {
    this.front = front;
    this.module = module;
    this.#unique = unique;
  }

  readonly #storages: { readonly item: Storage; readonly loc: Loc | undefined }[] = [];

  /**
   * Where a storage view lies in the image; undefined where the value lies in no storage. `loc`: where it is used, which
   * accounts for it if nothing was there before.
   */
  storageAddress(value: unknown, loc?: Loc): { symbol: string; offset: number } | undefined {
    const place = this.front.core.layout.location(value);
    if (place === undefined) return undefined;
    return this.#storageAt(place.address, loc);
  }

  #storageAt(address: number, loc?: Loc): { symbol: string; offset: number } | undefined {
    const found = this.front.core.storage
      .declaredStorage()
      .find((s) => address >= s.address && address < s.address + Math.max(1, s.descriptor.size));
    if (found === undefined) return undefined;
    let symbol = this.#globals.get(found);
    if (symbol === undefined) {
      this.#globals.set(found, (symbol = this.#unique(found.name)));
      this.#storages.push({ item: found, loc });
    }
    return { symbol, offset: address - found.address };
  }

  /** Static storage with what module scope left in it; references become relocations. */
  storageContents(): void {
    const { buffer } = this.front.core.memory.memory;
    // References may reach storage that nothing else does, so the list grows while it is walked.
    for (const { item, loc } of this.#storages) {
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
          const place = this.#storageAt(target, loc);
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
        loc,
        sizeBytes: item.descriptor.size,
        align: item.align,
        constant: item.constant,
        ...(!zero && { init, relocations }),
        ...(item.section !== undefined && { section: item.section }),
        debugType: debugTypeOfDescriptor(item.descriptor),
      });
    }
  }

  /** A read-only table of the integers of a build-time array. */
  table(values: readonly (number | bigint | boolean)[], size: 1 | 2 | 4 | 8, loc: Loc): string {
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
      loc,
      sizeBytes: init.length,
      align: size,
      constant: true,
      init,
    });
    return symbol;
  }

  /** The symbol of a text's bytes. */
  textSymbol(text: { readonly address: bigint; readonly length: number }, loc: Loc): string {
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
      loc,
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
