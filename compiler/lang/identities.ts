/** Which build-time values are the same to a specialisation: equal primitives, one object, functions with equal captures. */
import type { Front, FunctionSite } from "./front.ts";

/** Gives build-time values their texts. */
export class Identities {
  readonly #front: Front;
  readonly #identities = new Map<unknown, number>();

  constructor(front: Front) {
    this.#front = front;
  }

  /** A text that is equal for the same value and for no other. */
  of = (value: unknown): string => {
    if (value === null || (typeof value !== "object" && typeof value !== "function"))
      return primitiveKey(value);
    const fn = typeof value === "function" ? this.#front.site(value) : undefined;
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
    if (this.#front.core.intrinsics.intrinsicName(fn) !== undefined) return fallback;
    const captured = this.#capturesOf(site).map(([name, value]) => `${name}=${this.of(value)}`);
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
  readonly refusedCaptures = new Map<FunctionSite, unknown>();

  #capturesOf(site: FunctionSite): [string, unknown][] {
    try {
      return [...site.captures()];
    } catch (error) {
      this.refusedCaptures.set(site, error);
      return [[site.id, site]];
    }
  }
}

/** A text that is equal for equal primitives only, also between others. */
function primitiveKey(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  return `${typeof value}:${Object.is(value, -0) ? "-0" : String(value)}`;
}
