/**
 * The globals of build-time evaluation: JavaScript's own, without what differs from one run or machine to the next.
 * Whatever is missing says so when it is used.
 */
import type { Context } from "node:vm";
import { runInContext } from "node:vm";

const clock = "there is no clock, so that the same sources give the same image";
const randomness = "there is no randomness, so that the same sources give the same image";
const environment = "an image depends on its sources and declared payloads only";
const locale = "its results depend on the machine's locale";
const later = "evaluation ends with module scope, and nothing runs later";
const collector = "what the garbage collector does differs from run to run";

/** Names that are refused, and why. */
export const forbiddenGlobals: Readonly<Record<string, string>> = {
  Date: clock,
  performance: clock,
  Temporal: clock,
  crypto: randomness,
  process: environment,
  __dirname: environment,
  __filename: environment,
  Buffer: environment,
  fetch: environment,
  navigator: environment,
  Intl: locale,
  console: "nothing reads what it would print; throw an error to stop the build",
  setTimeout: later,
  setInterval: later,
  setImmediate: later,
  queueMicrotask: later,
  WeakRef: collector,
  FinalizationRegistry: collector,
  SharedArrayBuffer: "there is one thread",
  Atomics: "there is one thread",
  WebAssembly: "code comes from the sources only",
  eval: "code comes from the sources only",
};

/** Methods that are refused, by the object that holds them. */
const forbiddenMembers: Readonly<Record<string, readonly string[]>> = {
  Math: ["random"],
  "String.prototype": ["localeCompare", "toLocaleLowerCase", "toLocaleUpperCase"],
  "Number.prototype": ["toLocaleString"],
  "BigInt.prototype": ["toLocaleString"],
  "Array.prototype": ["toLocaleString"],
};

/** Thrown inside a realm when a refused name is used. */
export interface ForbiddenUse {
  readonly forbidden: string;
  readonly why: string;
}

/** Replaces the refused globals of a context by ones that throw `makeError(name, why)`. */
export function restrictGlobals(context: Context, makeError: (use: ForbiddenUse) => Error): void {
  const refuse = runInContext(
    `(holder, key, name, why, makeError) => Object.defineProperty(holder, key, {
      configurable: false,
      get() { throw makeError({ forbidden: name, why }); },
    })`,
    context,
  ) as (holder: object, key: string, name: string, why: string, makeError: unknown) => void;
  const global = runInContext("globalThis", context) as object;
  for (const [name, why] of Object.entries(forbiddenGlobals)) refuse(global, name, name, why, makeError);
  for (const [path, keys] of Object.entries(forbiddenMembers)) {
    const holder = runInContext(path, context) as object;
    for (const key of keys) {
      const name = path.endsWith(".prototype") ? key : `${path}.${key}`;
      refuse(holder, key, name, path === "Math" ? randomness : locale, makeError);
    }
  }
}
