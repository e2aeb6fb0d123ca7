/**
 * Bindings: an interface that one stratum names and another implements, bound statically for the whole image. The
 * kernel's `machine` is one, a device's board another.
 */

const implementations = new WeakMap<object, object>();
const names = new WeakMap<object, string>();

/** Declares an interface to be provided once. Calling what nobody provided throws in Node and is a build error. */
export function binding<T extends object>(name: string): T {
  const proxy = new Proxy(Object.create(null) as T, {
    get(target, key) {
      const implementation = implementations.get(proxy) as Record<PropertyKey, unknown> | undefined;
      if (implementation === undefined) {
        if (typeof key === "symbol") return Reflect.get(target, key);
        throw new Error(`nothing provides ${name}, so ${name}.${key} does not exist`);
      }
      return implementation[key];
    },
  });
  names.set(proxy, name);
  return proxy;
}

/** Provides a binding's implementation; a later one takes the place of an earlier one (tests do that). */
export function provide<T extends object>(bound: T, implementation: T): void {
  if (!names.has(bound)) throw new TypeError("provide() takes what binding() returned");
  implementations.set(bound, implementation);
}

/** The implementation behind a binding, and its name; undefined where the value is no binding. */
export function bindingOf(
  value: object,
): { readonly name: string; readonly implementation: object | undefined } | undefined {
  const name = names.get(value);
  return name === undefined ? undefined : { name, implementation: implementations.get(value) };
}
