/** Which kind of exit, as the platform names them, a measured operation of the bare guest takes. */
const kinds: readonly (readonly [operation: RegExp, kind: string])[] = [
  [/^cpuid/, "cpuid"],
  [/^rdmsr/, "rdmsr"],
  [/^wrmsr/, "wrmsr"],
  [/^in\b/, "port-in"],
  [/^out\b/, "port-out"],
  [/^(mmio|xapic)\b/, "nested-page-fault"],
  [/^hypercall/, "hypercall"],
  [/^cr4/, "control-register"],
];

/** The kind of exit that an operation takes alone; undefined where it takes none, or several. */
export function exitKindOf(operation: string): string | undefined {
  return kinds.find(([pattern]) => pattern.test(operation))?.[1];
}
