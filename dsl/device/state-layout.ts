/** How a device's state lies in memory, as data: what an offset in a trace stands for. */
import type { Descriptor, StructDescriptor } from "../core/layout.ts";
import { isUntold } from "./trace.ts";

/** A scalar, several of one layout, or named parts at their byte offsets. */
export type StateLayout =
  | { readonly bytes: number }
  | { readonly count: number; readonly stride: number; readonly of: StateLayout }
  | { readonly fields: readonly (readonly [name: string, offset: number, layout: StateLayout])[] };

/** A scalar of a state. */
export interface StateLeaf {
  /** `redirection[3]`, `rx.count`, `chips[1].mask`. */
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
}

/** The layout of a device's state, without what a trace does not tell of. */
export function stateLayout(state: StructDescriptor): StateLayout {
  return layoutOf(state);
}

function layoutOf(descriptor: Descriptor): StateLayout {
  switch (descriptor.kind) {
    case "int":
    case "bool":
    case "ref":
      return { bytes: descriptor.size };
    case "array":
      return { count: descriptor.length, stride: descriptor.stride, of: layoutOf(descriptor.element) };
    case "struct": {
      // What holds one value is that value.
      const [only] = descriptor.fields;
      if (descriptor.fields.length === 1 && only!.name === "value") return layoutOf(only!.descriptor);
      return {
        fields: descriptor.fields
          .filter((field) => !isUntold(field.descriptor, field.name))
          .map(
            ({ name, offset, descriptor: of }) => [name.replace(/\$$/, ""), offset, layoutOf(of)] as const,
          ),
      };
    }
  }
}

/** The scalars that lie within `bytes` bytes from an offset on. */
export function leavesAt(layout: StateLayout, offset: number, bytes: number): readonly StateLeaf[] {
  const end = offset + bytes;
  const within = (name: string, at: number, part: StateLayout): readonly StateLeaf[] => {
    if ("bytes" in part)
      return at >= offset && at + part.bytes <= end ? [{ name, offset: at, bytes: part.bytes }] : [];
    if ("fields" in part)
      return part.fields.flatMap(([field, from, of]) =>
        at + from < end ? within(name === "" ? field : `${name}.${field}`, at + from, of) : [],
      );
    const { count, stride, of } = part;
    const first = Math.max(0, Math.floor((offset - at) / stride));
    const last = Math.min(count, Math.ceil((end - at) / stride));
    return Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i).flatMap((i) =>
      within(`${name}[${i}]`, at + i * stride, of),
    );
  };
  return within("", 0, layout);
}
