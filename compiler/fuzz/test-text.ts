/** A finding as a test that can be put beside the device. */
import { type ActionWords, fieldReader } from "../../dsl/testing/action-text.ts";
import { kinds, type CallScalar, type Numbers } from "../../dsl/testing/reach.ts";
import type { StructDescriptor } from "../../dsl/core/layout.ts";
import { recordOf } from "../../dsl/testing/snapshot.ts";
import { ramBytes, ramGpa, writableEnd } from "../../dsl/testing/program-memory.ts";
import { replay, type Finding } from "./replay.ts";
import type { Subject } from "./subject.ts";

const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** An argument of one of the device's own entry points. */
function argument(type: CallScalar, raw: bigint): string {
  if (type === "bool") return String((raw & 1n) !== 0n);
  const bits = Number(type.slice(1));
  const value = type.startsWith("i") ? BigInt.asIntN(bits, raw) : BigInt.asUintN(bits, raw);
  return bits === 64 ? `${value < 0n ? value : hex(value)}n` : value < 0n ? String(value) : hex(value);
}

/** The input of a hypercall as the state holds it, but for its first word. */
function inputText(device: Subject["device"], name: string, first: bigint, state: Uint8Array): string {
  const { inputAt, inputBytes } = device.hypercalls.find((h) => h.name === name)!;
  const input = device.state.fields.find((f) => f.name === `${name}Input`)!.descriptor as StructDescriptor;
  if (inputBytes === 0) return "{}";
  const bytes = state.slice(inputAt, inputAt + inputBytes);
  new DataView(bytes.buffer).setBigUint64(0, first, true);
  const text = JSON.stringify(recordOf(input, bytes));
  // Integers of 64 bits are strings in a record.
  return text
    .replace(/"(0x[0-9a-f]+)"/g, "$1n")
    .replace(/"(\w+)":/g, "$1: ")
    .replaceAll(",", ", ");
}

/** One action as a call of a guest's, or the test's, hands. */
function callText(
  words: ActionWords,
  action: Numbers,
  place: ReturnType<ActionWords["place"]> | undefined,
  state: Uint8Array,
): string {
  const { kind, bytes, target, offset, value } = action;
  const { reach, device } = words;
  if (place !== undefined) {
    const { register, element } = place;
    const bank = device.model.banks.find((b) => b.name === register.bank)!;
    if (bank.space !== "overlay" && bank.space !== "msr" && register.bits === bytes * 8) {
      const index = element > 0 ? `, ${element}` : "";
      const number = bytes === 8 ? `${hex(value)}n` : hex(value);
      if (kind === kinds.write) return `write("${register.name}", ${number}${index})`;
      return bytes === 8 ? `readBig("${register.name}"${index})` : `read("${register.name}"${index})`;
    }
  }
  const slot = reach.slots[target];
  const window = reach.windows[place === undefined ? target : slot!.window]?.name ?? "";
  const at = place === undefined ? offset : slot!.offset;
  const isMsr = reach.windows.find((w) => w.name === window)?.space === "msr";
  switch (kind) {
    case kinds.read:
    case kinds.readAt:
      if (isMsr) return `rdmsr("${window}", ${at})`;
      return bytes === 8 ? `readAt64("${window}", ${at})` : `readAt("${window}", ${at}, ${bytes})`;
    case kinds.write:
    case kinds.writeAt:
      if (isMsr) return `wrmsr("${window}", ${at}, ${hex(value)}n)`;
      return bytes === 8
        ? `writeAt64("${window}", ${at}, ${hex(value)}n)`
        : `writeAt("${window}", ${at}, ${bytes}, ${hex(value)})`;
    case kinds.advance:
      return `advance(${value}n)`;
    case kinds.input: {
      const group = device.inputs.find((g) => target >= g.first && target < g.first + g.pins)!;
      return `input("${group.name}", ${target - group.first}, ${value !== 0n})`;
    }
    case kinds.send:
      return `send("${words.sourceName(target)}", [${hex(value)}])`;
    case kinds.reset:
      return "reset()";
    case kinds.resume:
      return "resume()";
    case kinds.memory:
      return `board.memory.set(${hex(ramGpa + BigInt(offset))}, ${bytes}, ${hex(value)}n)`;
    case kinds.parameter:
      return "";
    case kinds.hypercall: {
      const { name } = reach.hypercalls[target]!;
      return `hypercall("${name}", ${inputText(device, name, value, state)})`;
    }
    default: {
      const { name, params } = reach.calls[target]!;
      const raws = params.length === 1 ? [value] : [BigInt(offset), value, value >> 32n];
      return `call((calls, u) => calls.${name}(${["u", ...params.map((p, i) => argument(p, raws[i]!))].join(", ")}))`;
    }
  }
}

/**
 * The text of a test that does the same to the device by its names. What the device did right up to the last action is
 * not repeated: the corpus holds that on both sides.
 */
export function testText(
  subject: Subject,
  words: ActionWords,
  actions: readonly Numbers[],
  finding: Finding,
): string {
  const field = fieldReader(subject.device, () => subject.native.state());
  const calls: { text: string; taken: boolean; passed: bigint }[] = [];
  let time = 0n;
  replay(subject, actions, {
    before: (action) => {
      const { kind, target } = action;
      const place = kind <= kinds.write ? words.place(target, kind === kinds.write, field) : undefined;
      calls.push({
        text: callText(words, action, place, subject.native.state()),
        taken: kind !== kinds.parameter,
        passed: 0n,
      });
    },
    after: (result) => {
      const last = calls.at(-1);
      if (last === undefined) return;
      // A byte for which there was no room has not reached the device; time may have ended early.
      const { kind, value } = actions[calls.length - 1]!;
      if (kind === kinds.send) last.taken = result !== 0n;
      if (kind === kinds.advance) {
        if (result - time !== value) last.text = `advance(${result - time}n)`;
        time = result;
      }
    },
  });
  const name = subject.name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  const lines = calls.filter((c) => c.taken).map((c) => `    guest.${c.text};`);
  return [
    `test(${JSON.stringify(`${subject.name}: ${finding.what}`)}, (t) => {`,
    `  const guest = attach(${name});`,
    ...(subject.harness.reach.memory
      ? [
          `  guest.board.memory.add(${hex(ramGpa)}, ${hex(writableEnd)});`,
          `  guest.board.memory.add(${hex(ramGpa + writableEnd)}, ${hex(BigInt(ramBytes) - writableEnd)}, false);`,
        ]
      : []),
    "  t.notThrows(() => {",
    ...lines,
    "  });",
    "});",
    "",
  ].join("\n");
}
