/**
 * Typevisor's own hypercalls: `devices: [q35(), hypercalls()]`. They follow the calling convention of every table
 * (`docs/guide/hypercalls.md`), and all of them can be made as fast calls.
 */
import {
  array,
  device,
  hypercall,
  leaf,
  letters,
  report,
  signal,
  sink,
  u32,
  u64,
  u8,
} from "../dsl/device/vocabulary.ts";
import { instantiate } from "../dsl/device/instance.ts";
import { fitted, type DeviceTemplate } from "../dsl/manifest/device.ts";

/** Call codes, in a range of their own. */
export const callCodes = Object.freeze({
  version: 0x5400,
  features: 0x5401,
  console: 0x5402,
  yield: 0x5403,
  notify: 0x5404,
} as const);

/** Version of this table: the upper half changes where a call changes its meaning, the lower where one is added. */
export const interfaceVersion = 0x0001_0000;

/** What `features` answers: bit n stands for the call with code 0x5400 + n. */
export const featureBits = Object.values(callCodes).reduce((mask, code) => mask | (1 << (code & 0xff)), 0);

/** Bytes that one console call takes. */
export const consoleBytes = 15;

/** The status of a parameter's value that a call does not take (TLFS §3.8). */
const invalidParameter = 5;

const shape = device("hypercalls", {
  title: "Typevisor's own hypercalls",
  about:
    "Version, console, yield and notices for guests that know where they run. The calling convention is that of every table of hypercalls.",
  banks: {},
  state: { output: sink(), yield: signal(), report: report() },
  leaves: {
    own: leaf(
      0x4000_0100,
      { eax: 0x4000_0101, ebx: letters("Type"), ecx: letters("viso"), edx: letters("r\0\0\0") },
      { about: "The highest leaf of this range, and whose it is" },
    ),
    ownCalls: leaf(
      0x4000_0101,
      { eax: callCodes.version, ebx: interfaceVersion, ecx: featureBits },
      { about: "The first call code, the version of the table, and what `features` answers" },
    ),
  },
  hypercalls: {
    version: hypercall(callCodes.version, {
      output: { version: u32, none: u32 },
      about: "The version of this table",
    }),
    features: hypercall(callCodes.features, {
      output: { calls: u64 },
      about: "Which calls there are: bit n stands for call code 0x5400 + n",
    }),
    console: hypercall(callCodes.console, {
      input: { count: u8, bytes: array(u8, consoleBytes) },
      about: "Writes up to 15 bytes to the guest's console",
    }),
    yield: hypercall(callCodes.yield, { about: "Gives the rest of the processor's turn away" }),
    notify: hypercall(callCodes.notify, {
      input: { code: u32, none: u32, value: u64 },
      about: "Tells the administrator a code and a value",
    }),
  },
});

/** The device that answers them. */
export const ownHypercalls = shape.implement({
  hypercall: {
    version(_u, _input, output) {
      output.version = interfaceVersion;
      return 0;
    },
    features(_u, _input, output) {
      output.calls = BigInt(featureBits);
      return 0;
    },
    console(u, input) {
      const count = input.count;
      if (count > consoleBytes) return invalidParameter;
      for (let i = 0; i < consoleBytes; i++) if (i < count) u.output.put(input.bytes[i]);
      return 0;
    },
    yield(u) {
      u.yield.raise(0);
      return 0;
    },
    notify(u, input) {
      u.report.tell(input.code, input.value, 0n);
      return 0;
    },
  },
});

/** Gives a guest Typevisor's own hypercalls. */
export function hypercalls(): DeviceTemplate {
  return () => [
    fitted(
      instantiate(ownHypercalls, "hypercalls", {
        at: {},
        connect: { output: { board: "console" }, yield: { board: "yield" } },
      }),
    ),
  ];
}
