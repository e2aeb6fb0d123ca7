/**
 * The catalogue of everything the compiler says. A code is stable: it is never used again for something else. To add
 * one, add an entry here, a page `docs/diagnostics/CODE.md` and a fixture that provokes it.
 *
 * Messages are in the user's concepts, lower case, one sentence without a full stop that makes sense alone; source
 * text stands in backquotes.
 *
 * TV1 TypeScript · TV2 what compiled code may not do · TV3 captures and build-time evaluation · TV4 strata and imports ·
 * TV5 declarations and manifest · TV6 payloads and toolchain
 */

export type Severity = "error" | "warning";

/** A kind of diagnostic. `A` are the arguments of its message. */
export interface Entry<A = never> {
  /** Absent: an error. */
  readonly severity?: Severity;
  readonly message: (args: A) => string;
  /** What to do about it, as an imperative: "write `===`". */
  readonly fix?: (args: A) => string;
}

/** A number as a message shows it. */
type Shown = string | number | bigint;
type NoArgs = Readonly<Record<string, never>>;

function define<A = NoArgs>(
  message: (args: A) => string,
  fix?: (args: A) => string,
  severity?: Severity,
): Entry<A> {
  return { message, ...(fix && { fix }), ...(severity && { severity }) };
}

/** An interval as messages show it. */
function interval(lo: Shown, hi: Shown): string {
  return lo === hi ? `${lo}` : `[${lo}, ${hi}]`;
}

export const catalogue = {
  // ---- TypeScript ----
  TV1001: define((a: { message: string }) => a.message),
  TV1002: define((a: { message: string }) => a.message),

  // ---- What compiled code may not do ----
  TV2000: define((a: { construct: string }) => `${a.construct} is not supported in compiled code`),
  TV2001: define(
    () => "a value of type `any` has no width and cannot be compiled",
    () => "give it a type of `dsl/core/int.ts` or a struct",
  ),
  TV2002: define(
    (a: { type: string }) =>
      `\`as\` does not change an integer's range, so \`as ${a.type}\` would only hide an error`,
    (a) => `narrow with \`${a.type}(…)\`, which truncates, or \`${a.type}.checked(…)\`, which traps`,
  ),
  TV2003: define(
    () => "a function made at run time cannot be compiled",
    () => "declare the function outside, and pass what it needs as parameters",
  ),
  TV2004: define(
    () => "classes are not supported in compiled code",
    () => "use `struct` and functions of it",
  ),
  TV2005: define(
    () => "`this` is not supported in compiled code",
    () => "take the object as a parameter",
  ),
  TV2006: define(
    (a: { construct: string }) => `\`${a.construct}\`: there are no exceptions in compiled code`,
    () => 'return a value that says what happened, or `trap("…")` where the program itself is wrong',
  ),
  TV2007: define((a: { construct: string }) => `\`${a.construct}\`: compiled code does not wait`),
  TV2008: define(() => "generators are not supported in compiled code"),
  TV2009: define(
    () => "spread is not supported in compiled code",
    () => "name the elements",
  ),
  TV2010: define(
    (a: { operator: string }) => `\`${a.operator}\` converts its operands`,
    (a) => `write \`${a.operator}=\``,
  ),
  TV2011: define(
    (a: { chain: string }) => `recursion would need an unbounded stack: ${a.chain}`,
    () => "write a loop with a bound",
  ),
  TV2012: define(
    (a: { operator: string }) => `\`${a.operator}\` asks for types or names that do not exist at run time`,
  ),
  TV2013: define(() => "regular expressions are not supported in compiled code"),
  TV2014: define(
    (a: { name: string }) =>
      `parameter \`${a.name}\` is optional, but every argument is passed in compiled code`,
    () => "declare it without `?` and default, and pass it at every call",
  ),
  TV2015: define(
    () => "`arguments` does not exist in compiled code",
    () => "declare parameters",
  ),
  TV2016: define(
    (a: { text: string }) => `\`${a.text}\` is no integer, and there is no floating point in compiled code`,
  ),
  TV2017: define(
    () => "`/` on `number` gives fractions",
    () => "use `idiv(a, b)`, which truncates",
  ),
  TV2018: define(
    (a: { lo: Shown; hi: Shown; type: string }) =>
      `a value in ${interval(a.lo, a.hi)} may not fit \`${a.type}\``,
    (a) =>
      `narrow it: \`${a.type}(…)\` truncates, \`${a.type}.checked(…)\` traps, a comparison before it proves`,
  ),
  TV2019: define(
    (a: { lo: Shown; hi: Shown; bits: Shown }) =>
      `a shift count in ${interval(a.lo, a.hi)} may not be below ${a.bits}`,
    (a) => `mask it: \`count & ${Number(a.bits) - 1}\``,
  ),
  TV2020: define(
    (a: { lo: Shown; hi: Shown; length: Shown }) =>
      `an index in ${interval(a.lo, a.hi)} may lie outside the array of ${a.length}`,
    () => "mask the index, or compare it with the length before",
  ),
  TV2021: define(
    () => "no bound can be derived for this loop, and a model must not loop forever",
    () => "loop with a counter up to a constant",
  ),
  TV2022: define(
    (a: { name: string }) =>
      `\`${a.name}\` stops the machine, and nothing that a guest does to a model may do that`,
    () => "give the access its architectural answer",
  ),
  TV2023: define(
    (a: { name: string }) => `\`${a.name}\` accesses raw memory, which a model may not do`,
    () => "use the accessors of the device's state",
  ),
  TV2024: define(
    () => "`!` traps where the value is null, and a model may not trap",
    () => "compare with `=== null` and say what happens then",
  ),
  TV2025: define(
    (a: { operator: string }) => `\`${a.operator}\` mixes \`bigint\` and \`number\``,
    () => "widen with `BigInt(…)`, or convert with `Number(…)`",
  ),
  TV2026: define(
    (a: { lo: Shown; hi: Shown }) =>
      `an intermediate value in ${interval(a.lo, a.hi)} leaves ±2^53, where a \`number\` is exact`,
    () => "compute with `bigint`, or narrow the operands before",
  ),
  TV2027: define(
    (a: { lo: Shown; hi: Shown }) => `an intermediate value in ${interval(a.lo, a.hi)} does not fit 128 bits`,
    () => "wrap it: `u64(a * b)` computes at 64 bits",
  ),
  TV2028: define(
    (a: { operator: string }) => `the divisor of \`${a.operator}\` may be 0`,
    () => "compare it with 0 before",
  ),
  TV2029: define(
    (a: { binding: string; member: string }) =>
      `nothing provides \`${a.binding}\`, so \`${a.binding}.${a.member}\` does not exist`,
  ),
  TV2030: define(
    () => "a case that is not empty falls through into the next",
    () => "end it with `break` or `return`",
  ),
  TV2031: define(
    (a: { callee: string }) => `which function \`${a.callee}\` calls is not known at build time`,
    () => "call a captured or imported function; choose between functions with `if`",
  ),
  TV2032: define(
    (a: { name: string }) => `\`${a.name}\` has no declared type`,
    () => "declare it: `u8`, `u16`, `u32`, `i32`, `u64`, `i64`, `boolean` or a struct",
  ),
  TV2033: define(
    (a: { type: string }) => `type \`${a.type}\` has no representation in compiled code`,
    () => "use `u8`, `u16`, `u32`, `i32`, `u64`, `i64`, `boolean` or a struct",
  ),
  TV2034: define(
    (a: { one: string; other: string }) => `this is ${a.one} on one path and ${a.other} on another`,
  ),
  TV2035: define(
    (a: { name: string }) => `\`${a.name}\` is only known at build time and cannot become a run-time value`,
  ),
  TV2036: define((a: { name: string; type: string }) => `\`${a.name}\` is no member of ${a.type}`),
  TV2037: define(
    (a: { name: string; expected: Shown; actual: Shown }) =>
      `\`${a.name}\` takes ${a.expected} arguments, not ${a.actual}`,
  ),
  TV2038: define((a: { name: string }) => `\`${a.name}\` cannot be assigned`),
  TV2039: define((a: { name: string }) => `\`${a.name}\` is used before a value is assigned on every path`),
  TV2040: define((a: { operator: string; type: string }) => `\`${a.operator}\` is not defined for ${a.type}`),
  TV2041: define(
    () => "the value may be null here",
    () => "compare it with `=== null` before",
  ),
  TV2042: define((a: { name: string }) => `\`${a.name}\` does not return a value on every path`),
  TV2043: define((a: { text: string }) => `\`${a.text}\` is evaluated but its value is not used`),
  TV2044: define(
    () => "a condition must be a `boolean`",
    () => "compare: `x !== 0`",
  ),
  TV2045: define((a: { name: string }) => `\`${a.name}\` is assembly, which only platforms may use`),
  TV2046: define(
    (a: { name: string }) =>
      `\`${a.name}\` belongs to JavaScript's library, which does not exist at run time`,
  ),
  TV2047: define(() => "`for…in` enumerates names, which do not exist at run time"),
  TV2048: define(
    () => "only build-time data and fixed arrays can be iterated",
    () => "count with `for (let i = 0; i < n; i++)`",
  ),
  TV2049: define(
    (a: { index: Shown; length: Shown }) => `index ${a.index} lies outside the array of ${a.length}`,
  ),

  // ---- Captures and evaluation ----
  TV3001: define(
    (a: { name: string }) =>
      `\`${a.name}\` is captured but is a \`let\`, whose value at run time is not fixed`,
    () => "make it `const`, or keep it in storage",
  ),
  TV3002: define(
    (a: { path: string; what: string }) => `\`${a.path}\` is captured, but ${a.what} cannot be compiled`,
  ),
  TV3003: define((a: { name: string }) => `\`${a.name}\` is captured but was never initialised`),
  TV3004: define(
    (a: { name: string; why: string }) => `\`${a.name}\` is not available when an image is built: ${a.why}`,
  ),
  TV3005: define((a: { message: string }) => `evaluating this failed: ${a.message}`),
  TV3006: define((a: { specifier: string }) => `module \`${a.specifier}\` does not exist`),
  TV3007: define(() => "this function was not made by the image's own source, so it has no body to compile"),

  // ---- Strata and imports ----
  TV4001: define(
    (a: { from: string; to: string; rule: string }) => `${a.from} may not import ${a.to}: ${a.rule}`,
  ),
  TV4002: define(
    (a: { name: string; from: string }) => `a model may not use \`${a.name}\` of ${a.from}`,
    () => "use the accessors of the device's state",
  ),
  TV4003: define(
    (a: { specifier: string }) =>
      `\`${a.specifier}\` is a package, and an image is built from its own sources only`,
  ),
  TV4004: define(
    () => "`import()` is not known at build time",
    () => "import at the top of the file",
  ),
  TV4005: define(() => "assembly belongs to platforms"),

  // ---- Declarations and manifest ----
  TV5001: define((a: { message: string }) => a.message),

  // ---- Payloads and toolchain ----
  TV6001: define((a: { message: string }) => a.message),
} as const;

export type Code = keyof typeof catalogue;
/** The arguments of a code's message; `{}` where it has none. */
export type ArgsOf<C extends Code> = (typeof catalogue)[C] extends Entry<infer A> ? A : never;
