/**
 * The catalogue of everything the compiler says. A code is stable: it is never used again for something else. To add
 * one, add an entry here, a page `docs/diagnostics/CODE.md`, and a fixture that provokes it. Where its fix is an edit, the entry makes it
 * from the tree at its place, and the fixture shows it.
 *
 * Messages are in the user's concepts, lower case, one sentence without a full stop that makes sense alone; source
 * text stands in backquotes.
 *
 * TV1 TypeScript · TV2 what compiled code may not do · TV3 captures and build-time evaluation · TV4 strata and imports ·
 * TV5 declarations and manifest · TV6 payloads and toolchain
 */

import type { ts } from "../source/ts.ts";
import {
  blockScoped,
  compared,
  converted,
  dividedWhole,
  ended,
  masked,
  maskedIndex,
  narrowed,
  removed,
  required,
  strictEquality,
  widened,
  wrapped,
  type TextEdit,
} from "./edit.ts";

export type Severity = "error" | "warning";

/** A kind of diagnostic. `A` are the arguments of its message. */
export interface Entry<A = never> {
  readonly code: `TV${number}`;
  readonly severity: Severity;
  readonly message: (args: A) => string;
  /** What to do about it, as an imperative: "write `===`". */
  readonly fix?: (args: A) => string;
  /** The fix as an edit, where the place of the diagnostic is one at which it can be made. */
  readonly edit?: (node: ts.Node, args: A) => TextEdit | undefined;
}

type NoArgs = Readonly<Record<never, string>>;
type Message<A> = string | ((args: A) => string);

function error<A = NoArgs>(
  code: Entry["code"],
  message: Message<A>,
  fix?: Message<A>,
  edit?: (node: ts.Node, args: A) => TextEdit | undefined,
): Entry<A> {
  const asFunction = (text: Message<A>) => (typeof text === "string" ? () => text : text);
  return {
    code,
    severity: "error",
    message: asFunction(message),
    ...(fix !== undefined && { fix: asFunction(fix) }),
    ...(edit !== undefined && { edit }),
  };
}

/** `TaggedTemplateExpression`, a kind of TypeScript's tree, as `a tagged template expression`. */
function inWords(what: string): string {
  // The tree gives its last kind of statement a second name.
  if (what === "LastStatement") return "`debugger`";
  if (!/^[A-Z][a-z]+(?:[A-Z][a-z]+)+$/.test(what)) return what;
  const words = what.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).trim();
  return `${/^[aeiou]/.test(words) ? "an" : "a"} ${words}`;
}

/** The mask of shift counts; only those of `number` end at 32. */
const maskBelow = (limit: string): string => `${Number(limit) - 1}${limit === "32" ? "" : "n"}`;

const said = (a: { message: string }): string => a.message;

const types = "`u8`, `u16`, `u32`, `i32`, `u64`, `i64`, `boolean` or a struct";

export const catalogue = {
  // ---- TypeScript ----
  syntax: error("TV1001", said),
  type: error("TV1002", said),

  // ---- Syntax that compiled code does not have ----
  unsupported: error(
    "TV2000",
    (a: { what: string }) => `${inWords(a.what)} is not supported in compiled code`,
  ),
  any: error("TV2001", "`any` has no width, so it cannot be compiled", `name the type: ${types}`),
  "as-on-integer": error(
    "TV2002",
    (a: { type: string }) =>
      `\`as ${a.type}\` does not change an integer's range, it would only hide an error`,
    (a) => `narrow with \`${a.type}(…)\`, which truncates, or \`${a.type}.checked(…)\`, which traps`,
    (node, a) => converted(node, a.type),
  ),
  closure: error(
    "TV2003",
    "compiled code does not make functions at run time",
    "declare the function outside, and pass it what it needs",
  ),
  class: error("TV2004", "there are no classes in compiled code", "use `struct`, and `extend` for methods"),
  this: error("TV2005", "there is no `this` in compiled code", "take the object as the first parameter"),
  exception: error(
    "TV2006",
    "there are no exceptions in compiled code",
    'return a value that says what happened, or `trap("…")` where the program itself is wrong',
  ),
  async: error(
    "TV2007",
    "compiled code cannot wait, so there is no `async`",
    "keep what is pending in storage, and go on with it at the next event",
  ),
  generator: error("TV2008", "there are no generators in compiled code", "write a loop"),
  spread: error("TV2009", "there is no spread in compiled code", "name every element"),
  "loose-equality": error(
    "TV2010",
    "`==` and `!=` convert their operands",
    "write `===` or `!==`",
    strictEquality,
  ),
  recursion: error(
    "TV2011",
    (a: { name: string }) =>
      `\`${a.name}\` calls itself, directly or through others, and its stack would have no bound`,
    "write a loop with a bound",
  ),
  typeof: error("TV2012", "there are no types at run time, so no `typeof`"),
  in: error("TV2013", "there are no property names at run time, so no `in`"),
  delete: error("TV2014", "a struct's fields are fixed, so there is no `delete`"),
  "regular-expression": error("TV2015", "there are no regular expressions in compiled code"),
  "optional-parameter": error(
    "TV2016",
    "compiled code has no optional parameters and no defaults",
    "declare the parameter without `?` and default, and pass it at every call",
    required,
  ),
  arguments: error("TV2017", "there is no `arguments` in compiled code", "declare parameters"),
  "for-in": error(
    "TV2018",
    "there are no property names at run time, so no `for…in`",
    "use `for…of` over build-time data",
  ),
  "assignment-value": error(
    "TV2019",
    "an assignment is a statement in compiled code, it has no value",
    "assign on a line of its own",
  ),
  fallthrough: error(
    "TV2020",
    "this case is not empty and falls through into the next",
    "end it with `break` or `return`",
    ended,
  ),
  "void-statement": error("TV2021", "this expression does nothing", "use its value, or remove it", removed),

  // ---- Numbers ----
  float: error(
    "TV2101",
    (a: { value: string }) =>
      `\`${a.value}\` is no whole number within ±2^53, and there is no floating point in compiled code`,
  ),
  division: error(
    "TV2102",
    "`/` on `number` gives fractions",
    "use `idiv(a, b)`, which truncates",
    dividedWhole,
  ),
  "divisor-zero": error(
    "TV2103",
    (a: { range: string }) => `the divisor, in ${a.range}, may be 0`,
    "compare it with 0 before",
  ),
  "may-not-fit": error(
    "TV2104",
    (a: { range: string; type: string }) => `a value in ${a.range} may not fit \`${a.type}\``,
    (a) =>
      `narrow it: \`${a.type}(…)\` truncates, \`${a.type}.checked(…)\` traps, a comparison before proves`,
    (node, a) => narrowed(node, a.type),
  ),
  "shift-count": error(
    "TV2105",
    (a: { range: string; limit: string }) => `the shift count, in ${a.range}, may not be below ${a.limit}`,
    (a) => `mask it: \`& ${maskBelow(a.limit)}\``,
    (node, a) => masked(node, maskBelow(a.limit)),
  ),
  "mixed-kinds": error(
    "TV2106",
    (_: { number?: string }) => "this mixes `bigint` and `number`",
    () => "widen with `BigInt(…)`, or convert with `Number(…)`",
    (node, a) => widened(node, a.number),
  ),
  "beyond-2-53": error(
    "TV2107",
    (a: { range: string }) =>
      `the result, in ${a.range}, leaves ±2^53, beyond which a \`number\` is not exact`,
    "narrow the operands before, or compute with `bigint`",
  ),
  "beyond-128": error(
    "TV2108",
    (a: { range: string }) => `the result, in ${a.range}, does not fit 128 bits`,
    "wrap each step: `u64(a * b)` computes at 64 bits",
    wrapped,
  ),
  index: error(
    "TV2109",
    (a: { range: string; length: string }) =>
      `the index, in ${a.range}, may lie outside an array of ${a.length}`,
    "mask the index, or compare it with the length before",
    (node, a) => maskedIndex(node, a.range, Number(a.length)),
  ),
  "bigint-index": error("TV2110", "an array is indexed by a `number`", "convert with `Number(…)`"),
  "not-an-integer": error("TV2111", (a: { what: string }) => `an integer belongs here, not ${a.what}`),
  "not-a-boolean": error(
    "TV2112",
    (a: { what: string }) => `a \`boolean\` belongs here, not ${a.what}`,
    "compare: `x !== 0`",
    (node, a) => compared(node, a.what),
  ),
  incomparable: error(
    "TV2113",
    (a: { left: string; right: string }) => `${a.left} and ${a.right} cannot be compared`,
  ),

  // ---- Values, names and types ----
  "unknown-name": error("TV2201", (a: { name: string }) => `\`${a.name}\` does not exist in compiled code`),
  "no-such-member": error(
    "TV2202",
    (a: { name: string; type: string }) => `${a.type} has no \`${a.name}\` in compiled code`,
  ),
  "write-only": error("TV2203", (a: { name: string }) => `\`${a.name}\` can be written, not read`),
  "assign-known": error(
    "TV2204",
    (a: { what: string }) => `${a.what} cannot be assigned at run time`,
    "keep what changes in storage",
  ),
  "assign-aggregate": error(
    "TV2205",
    (a: { what: string }) => `${a.what} cannot be assigned as a whole`,
    "assign its fields or elements",
  ),
  "no-value": error("TV2206", "this gives no value"),
  "known-variable": error(
    "TV2207",
    (a: { name: string }) =>
      `\`${a.name}\` can change at run time, but this value exists only when the image is built`,
    "declare it with `const`",
  ),
  "mixed-shapes": error("TV2208", (a: { what: string }) =>
    a.what.includes(" and ")
      ? `one value cannot be ${a.what}`
      : `${a.what} does not have the type that belongs here`,
  ),
  "missing-argument": error(
    "TV2209",
    (a: { name: string }) => `the argument for \`${a.name}\` is missing`,
    "pass every argument",
  ),
  "null-here": error(
    "TV2212",
    "the value may be null here",
    "bind it to a `const`, and compare that with `=== null` before",
  ),
  "not-indexable": error("TV2213", (a: { what: string }) => `${a.what} cannot be indexed in compiled code`),
  "table-elements": error(
    "TV2214",
    "only integers of one kind can become a table that is indexed at run time",
    "iterate with `for…of`",
  ),
  "run-time-string": error(
    "TV2215",
    "there are no strings at run time",
    "build the text from what is known when the image is built",
  ),
  "run-time-array": error("TV2216", "an array cannot be made at run time", "keep it in storage"),
  "not-storage": error(
    "TV2217",
    "this struct or array was made at build time but is no storage",
    "declare it with `storage(…)`",
  ),
  "not-iterable": error(
    "TV2218",
    (a: { what: string }) => `only build-time data and fixed arrays can be iterated, not ${a.what}`,
    "count: `for (let i = 0; i < n; i++)`",
  ),
  "not-a-function": error("TV2219", "an entry point must be a function of the sources"),
  "indirect-call": error(
    "TV2220",
    (a: { name: string }) => `which function \`${a.name}\` is, is not known when the image is built`,
    "choose between functions with `if`",
  ),
  unprovided: error(
    "TV2221",
    (a: { name: string }) => `nothing provides \`${a.name}\``,
    "call `provide` in the platform or the test",
  ),
  "entry-signature": error(
    "TV2222",
    (a: { name: string }) =>
      `\`${a.name}\` is called from outside, so it takes and gives integers and booleans only`,
  ),
  "naked-use": error(
    "TV2223",
    (a: { name: string }) => `\`%{${a.name}}\` names nothing in \`uses\` that has an address of its own`,
  ),

  "not-known": error(
    "TV2224",
    (a: { what: string }) => `${a.what} must be known when the image is built`,
    "write a constant",
  ),
  "not-compiled": error(
    "TV2225",
    (a: { name: string }) => `\`${a.name}\` is no function of the sources, so it cannot be compiled`,
  ),
  global: error("TV2226", (a: { name: string }) => `\`${a.name}\` does not exist in compiled code`),
  "no-address": error(
    "TV2227",
    (a: { what: string }) => `${a.what} has no address`,
    "keep it in a struct or an array, which lie in memory",
  ),
  "assign-outer": error(
    "TV2228",
    (a: { name: string }) => `\`${a.name}\` belongs to an outer scope and cannot be assigned at run time`,
    "keep what changes in storage",
  ),
  "call-naked": error("TV2229", "a naked function has no calling convention, so it cannot be called"),
  "case-twice": error("TV2230", (a: { value: string }) => `the case ${a.value} stands here twice`),
  unroll: error(
    "TV2231",
    (a: { length: string; most: string }) =>
      `a loop over ${a.length} elements would be unrolled; the most is ${a.most}`,
    "count: `for (let i = 0; i < n; i++)`",
  ),
  var: error("TV2232", "`var` has no block scope", "write `let` or `const`", blockScoped),

  // ---- Models ----
  "unbounded-loop": error(
    "TV2301",
    "no bound can be derived for this loop, and a model must not loop forever",
    "count up to a constant",
  ),
  "trap-in-model": error(
    "TV2302",
    (a: { name: string }) =>
      `\`${a.name}\` stops the machine, and nothing that a guest does to a model may do that`,
    "give the access its architectural answer",
  ),
  "memory-in-model": error(
    "TV2303",
    (a: { name: string }) => `\`${a.name}\` reaches raw memory, which a model may not`,
    "use the device's declared state",
  ),
  "non-null-in-model": error(
    "TV2304",
    "`!` traps where the value is null, and a model may not trap",
    "compare with `=== null`",
  ),
  "asm-outside-platform": error(
    "TV2305",
    (a: { name: string }) => `\`${a.name}\` is assembly, which belongs to platforms`,
  ),

  // ---- Captures and evaluation ----
  "captured-let": error(
    "TV3001",
    (a: { name: string }) =>
      `\`${a.name}\` is assigned after it was captured, so its value at run time is not fixed`,
    "make it `const`, or keep it in storage",
  ),
  "unsupported-capture": error(
    "TV3002",
    (a: { path: string; what: string }) =>
      `\`${a.path}\` is ${a.what}, which has no meaning in compiled code`,
  ),
  "uninitialised-capture": error(
    "TV3003",
    (a: { name: string }) => `\`${a.name}\` is captured but was never initialised`,
  ),
  "not-at-build-time": error(
    "TV3004",
    (a: { name: string; why: string }) => `\`${a.name}\` cannot be used: ${a.why}`,
  ),
  thrown: error("TV3005", said),
  "no-such-module": error("TV3006", (a: { path: string }) => `there is no module \`${a.path}\``),

  // ---- Strata and imports ----
  "import-direction": error(
    "TV4001",
    (a: { from: string; to: string; rule: string }) => `${a.from} may not import \`${a.to}\`: ${a.rule}`,
  ),
  "forbidden-to-models": error(
    "TV4002",
    (a: { name: string; from: string }) => `a model may not use \`${a.name}\` of \`${a.from}\``,
    "use the device's declared state",
  ),
  package: error(
    "TV4003",
    (a: { specifier: string }) =>
      `\`${a.specifier}\` is a package, but an image is built from its own sources only`,
  ),
  "dynamic-import": error(
    "TV4004",
    "what `import()` loads is not known before the program runs",
    "import it at the top of the file",
  ),

  // ---- Declarations and manifest: the message is the declaration's own ----
  declaration: error("TV5001", said),
  "manifest-name": error("TV5101", said),
  "no-guest": error("TV5102", said),
  "guest-twice": error("TV5103", said),
  "device-twice": error("TV5104", said),
  "vcpu-count": error("TV5105", said),
  "memory-size": error("TV5106", said),
  "address-conflict": error("TV5107", said),
  "memory-conflict": error("TV5108", said),
  "interrupt-conflict": error("TV5109", said),
  "no-such-interrupt": error("TV5110", said),
  "window-out-of-space": error("TV5111", said),
  "device-missing": error("TV5112", said),
  "device-exists-once": error("TV5113", said),
  "no-low-addresses": error("TV5114", said),
  "machine-memory": error("TV5115", said),
  "payload-path": error("TV5116", said),
  "payload-place": error("TV5117", said),
  "payload-count": error("TV5118", said),
  "command-line": error("TV5119", said),
  "console-guest": error("TV5120", said),
  "option-range": error("TV5121", said),
  "acpi-name": error("TV5122", said),
  "module-count": error("TV5123", said),
  "trace-device": error("TV5124", said),
  "pci-count": error("TV5125", said),
  "partition-users": error("TV5126", said),
  "partition-name": error("TV5127", said),
  "network-twice": error("TV5130", said),
  "network-address": error("TV5131", said),
  "network-address-twice": error("TV5132", said),
  "network-ports": error("TV5133", said),
  "channel-address": error("TV5135", said),
  "channel-address-twice": error("TV5136", said),
  "pipe-ends": error("TV5137", said),
  "channel-ends": error("TV5138", said),
  "shared-memory-twice": error("TV5140", said),
  "shared-memory-count": error("TV5141", said),
  "guest-cpu": error("TV5150", said),
  "promised-too-much": error("TV5151", said),

  // ---- Payloads: the message is said by what read them ----
  "payload-missing": error("TV6101", said),
  "payload-empty": error("TV6102", said),
  "payload-truncated": error("TV6103", said),
  "no-bzimage": error("TV6104", said),
  "boot-protocol": error("TV6105", said),
  "no-initrd": error("TV6106", said),
  "payload-memory": error("TV6107", said),
  "command-line-length": error("TV6108", said),
  "no-executable": error("TV6109", said),
  "no-pvh-entry": error("TV6110", said),
  "no-multiboot-header": error("TV6111", said),
  "entry-outside": error("TV6112", said),
  "segment-place": error("TV6113", said),
  "disk-sectors": error("TV6114", said),
  "no-firmware": error("TV6118", said),
} as const;

/** The name of a kind of diagnostic: `may-not-fit`. */
export type DiagnosticName = keyof typeof catalogue;
/** The arguments of a message; `{}` where it has none. */
export type ArgsOf<N extends DiagnosticName> = (typeof catalogue)[N] extends Entry<infer A> ? A : never;
