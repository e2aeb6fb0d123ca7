/** A number where WebAssembly has i32, a bigint where it has i64. */
export type WasmValue = number | bigint;

/** Host functions that a module imports, by symbol. */
export type HostImports = Readonly<Record<string, (...args: never[]) => unknown>>;

/** A running WebAssembly module. */
export interface WasmInstance {
  readonly functions: Readonly<Record<string, (...args: WasmValue[]) => WasmValue>>;
  /** Addresses of the exported globals. */
  readonly addresses: Readonly<Record<string, number>>;
  /** The linear memory as it is now; ask again after it may have grown. */
  readonly memory: () => DataView;
  /** Gives back the stack that a trap has left in use. */
  readonly rewind: () => void;
}

/** The global in which a linked module keeps its stack pointer. */
export const stackPointer = "__stack_pointer";

interface WasmApi {
  instantiate(
    wasm: Uint8Array,
    imports: { env: HostImports },
  ): Promise<{ instance: { exports: Record<string, unknown> } }>;
}

/** Starts what `linkWasm` has linked. A trap inside throws `WebAssembly.RuntimeError`. */
export async function instantiate(wasm: Uint8Array, imports: HostImports = {}): Promise<WasmInstance> {
  // TypeScript declares WebAssembly with the browser's library only.
  const { WebAssembly: api } = globalThis as unknown as { WebAssembly: WasmApi };
  const { exports } = (await api.instantiate(wasm, { env: imports })).instance;
  const functions: Record<string, (...args: WasmValue[]) => WasmValue> = {};
  const addresses: Record<string, number> = {};
  for (const [name, item] of Object.entries(exports)) {
    if (typeof item === "function") functions[name] = item as (...args: WasmValue[]) => WasmValue;
    else if (name !== "memory" && name !== stackPointer) addresses[name] = (item as { value: number }).value;
  }
  const memory = exports["memory"] as { buffer: ArrayBuffer };
  const pointer = exports[stackPointer] as { value: number };
  const top = pointer.value;
  return {
    functions,
    addresses,
    memory: () => new DataView(memory.buffer),
    rewind: () => {
      pointer.value = top;
    },
  };
}
