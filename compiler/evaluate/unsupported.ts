/** Kinds of values that evaluation can make but compiled code cannot name. */

/**
 * What a value is, in the user's words, where it has no meaning in compiled code; undefined where it may have one.
 * Objects are taken for data, and told apart from instances by their prototype, so that it works across realms.
 */
export function unsupportedKind(value: unknown): string | undefined {
  if (typeof value === "symbol") return "a symbol";
  if (typeof value === "function") return isClass(value) ? "a class" : undefined;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === null || Object.getPrototypeOf(prototype) === null) return undefined;
  // The prototype of a struct's views inherits from `Object.prototype` but has no constructor of its own.
  if (!Object.hasOwn(prototype, "constructor")) return undefined;
  const name = (prototype as { constructor?: { name?: string } }).constructor?.name ?? "";
  if (name === "RegExp") return "a regular expression";
  if (builtIn.test(name)) return `${/^[AEIO]/.test(name) ? "an" : "a"} ${name}`;
  return name === "" ? "an instance of a class" : `an instance of ${name}`;
}

const builtIn = /^(?:Map|Set|WeakMap|WeakSet|Promise|Date|ArrayBuffer|DataView|\w+Array|\w*Error)$/;

function isClass(value: object): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value));
}
