/** The kept corpus of a device: inputs as text, in a folder. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { recordBytes } from "../../dsl/testing/harness.ts";
import { ActionError, type ActionWords, fieldReader } from "../../dsl/testing/action-text.ts";
import { actionMaker, kinds, type Numbers, type Reach } from "../../dsl/testing/reach.ts";
import { InputFailure } from "../failure.ts";
import { replay } from "./replay.ts";
import type { Subject } from "./subject.ts";

const ending = ".actions";
/** The file of the inputs that together reach what the fuzzer has reached. */
const reachedFile = `reached${ending}`;

/**
 * The inputs of a file's text: one action a line, an empty line between two inputs. Throws InputFailure with the file and
 * the line where there is none.
 */
export function parseInputs(words: ActionWords, text: string, file: string): readonly (readonly Numbers[])[] {
  const inputs: Numbers[][] = [[]];
  for (const [i, line] of text.split("\n").entries()) {
    const stated = line.replace(/#.*/, "").trim();
    try {
      if (stated !== "") inputs.at(-1)!.push(words.parse(stated));
      else if (line.trim() === "") inputs.push([]);
    } catch (error) {
      if (!(error instanceof ActionError)) throw error;
      throw new InputFailure(`${file}:${i + 1}: ${error.message}`);
    }
  }
  const stated = inputs.filter((input) => input.length > 0);
  if (stated.length === 0) throw new InputFailure(`${file}: there is no action in it`);
  return stated;
}

/** Every input of a folder, by file; none where there is no folder. Throws InputFailure for the first corrupted file. */
export function readCorpus(words: ActionWords, folder: string): readonly (readonly Numbers[])[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(ending))
    .sort()
    .flatMap((name) => parseInputs(words, readFileSync(join(folder, name), "utf8"), join(folder, name)));
}

/** Actions in the words of the device, each for the state in which it comes. */
export function actionTexts(
  subject: Subject,
  words: ActionWords,
  actions: readonly Numbers[],
): readonly string[] {
  const field = fieldReader(subject.device, () => subject.native.state());
  const lines: string[] = [];
  replay(subject, actions, { before: (action) => void lines.push(words.format(action, field)) });
  return lines;
}

/** Keeps what was wrong once, under a name that follows from its content, and gives the path. */
export function keepFinding(folder: string, about: string, lines: readonly string[]): string {
  const name = createHash("sha256").update(lines.join("\n")).digest("hex").slice(0, 12);
  const path = join(folder, `finding-${name}${ending}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, [`# ${about}`, ...lines, ""].join("\n"));
  return path;
}

/** Keeps the inputs that together reach everything, in place of those before. */
export function keepReached(folder: string, inputs: readonly (readonly string[])[]): void {
  mkdirSync(folder, { recursive: true });
  const texts = inputs.map((lines) => `${lines.join("\n")}\n`);
  writeFileSync(join(folder, reachedFile), texts.sort().join("\n"));
}

/** The actions of the fuzzer's bytes. */
export function decode(reach: Reach, bytes: Uint8Array): readonly Numbers[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const make = actionMaker(reach);
  return Array.from({ length: Math.floor(bytes.length / recordBytes) }, (_, i) => {
    const at = i * recordBytes;
    const numbers = [view.getUint8(at), view.getUint8(at + 1), view.getUint16(at + 2, true)] as const;
    return make(...numbers, view.getUint32(at + 4, true), view.getBigUint64(at + 8, true));
  });
}

/** The fuzzer's bytes of actions. */
export function encode(reach: Reach, actions: readonly Numbers[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(actions.length * recordBytes));
  actions.forEach(({ kind, bytes, target, offset, value }, i) => {
    const at = i * recordBytes;
    view.setUint8(at, reach.chosen.indexOf(kind));
    view.setUint8(
      at + 1,
      kind === kinds.readAt || kind === kinds.writeAt || kind === kinds.memory ? Math.log2(bytes) : bytes,
    );
    view.setUint16(at + 2, target, true);
    view.setUint32(at + 4, offset, true);
    view.setBigUint64(at + 8, value, true);
  });
  return new Uint8Array(view.buffer);
}
