/** What a platform hands to the compiler: the functions from which everything else is reached. */
import type { IntDescriptor } from "./int.ts";
import type { AnyFunction, BoolDescriptor } from "./layout.ts";

/** A function that is called from outside the module: by firmware, by a naked function, or by a host test. */
export interface EntryPoint {
  readonly symbol: string;
  readonly fn: AnyFunction;
  /** Scalars in the platform's C convention. */
  readonly params: readonly (IntDescriptor<unknown> | BoolDescriptor)[];
  readonly result: IntDescriptor<unknown> | BoolDescriptor | undefined;
}

/** A whole program, closed: what none of its entry points reaches is not in the image. */
export interface Program {
  readonly name: string;
  readonly entries: readonly EntryPoint[];
  /** `(site: u32, textAddress: u64, textLength: u32) => never`: called where the program is wrong. Absent: the target's trap instruction. */
  readonly trap?: AnyFunction;
  /** Roots of what must be fast; what none of them reaches is made small instead. Absent: everything is fast. */
  readonly hot?: readonly AnyFunction[];
  /** What handles one exit of a guest and returns: its longest way is part of the build's report. */
  readonly exitHandler?: AnyFunction;
}
