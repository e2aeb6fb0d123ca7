/**
 * Layouts whose stores are heard of. What is compiled for such a layout tells of every store that changes something, and
 * what is compiled for the plain one holds nothing of it: functions are compiled for the layout that they are called with.
 */
import type { StoreObserver } from "./int.ts";
import type { Descriptor, StructDescriptor } from "./layout.ts";

/** Tells what keeps its plain stores: a field by its descriptor and its name. */
export type Unobserved = (descriptor: Descriptor, name: string) => boolean;

/**
 * The same struct, of which an observer hears each store to a scalar in it, however deep it lies. Structs and arrays
 * are laid out as before; the whole takes full words of 8 bytes.
 */
export function observed<T>(
  layout: StructDescriptor<T>,
  observer: StoreObserver,
  isPlain: Unobserved,
): StructDescriptor<T> {
  const made = new Map<Descriptor, Descriptor>();
  const observing = (descriptor: Descriptor): Descriptor => {
    let own = made.get(descriptor);
    if (own === undefined) made.set(descriptor, (own = copy(descriptor)));
    return own;
  };
  const copy = (descriptor: Descriptor): Descriptor => {
    switch (descriptor.kind) {
      case "int": {
        const { kind, name, bits, signed, size, align } = descriptor;
        return Object.freeze({ kind, name, bits, signed, size, align, observer });
      }
      case "bool":
        return Object.freeze({ ...descriptor, observer });
      case "array":
        return Object.freeze({ ...descriptor, element: observing(descriptor.element) });
      case "struct":
        return Object.freeze({
          ...descriptor,
          fields: Object.freeze(
            descriptor.fields.map((field) =>
              isPlain(field.descriptor, field.name)
                ? field
                : Object.freeze({ ...field, descriptor: observing(field.descriptor) }),
            ),
          ),
        });
      case "ref":
        return descriptor;
    }
  };
  const whole = observing(layout) as StructDescriptor<T>;
  return Object.freeze({ ...whole, size: Math.ceil(layout.size / 8) * 8, align: Math.max(layout.align, 8) });
}
