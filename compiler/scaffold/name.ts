/** Names of devices and images that are about to be written: a file's name, and a name in its source. */
import * as vocabulary from "../../dsl/device/vocabulary.ts";
import { InputFailure } from "../failure.ts";
import { ts } from "../source/ts.ts";

/** What can be started with `typevisor new`. */
export type Kind = "device" | "image";

const pattern = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const longest = 32;

/** Names that the written files have of their own. */
const ownNames = new Set(["shape", "test", "attach", "guest", "twin", "program"]);

/** `real-time-clock` as a name in a source: `realTimeClock`. */
export function identifierOf(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** Throws InputFailure for a name that cannot be that of a new device or image. */
export function checkNewName(kind: Kind, name: string): void {
  const refuse = (why: string): never => {
    throw new InputFailure(`"${name}" is no name for ${kind === "image" ? "an image" : "a device"}: ${why}`);
  };
  if (!pattern.test(name))
    refuse("a name is lower-case letters and digits in words with a dash between, a letter first");
  if (name.length > longest) refuse(`it is longer than ${longest} characters`);
  if (kind === "image") return;
  const identifier = identifierOf(name);
  const scanner = ts.createScanner(ts.ScriptTarget.ES2022, true, ts.LanguageVariant.Standard, identifier);
  if (scanner.scan() !== ts.SyntaxKind.Identifier) refuse("it is a word of TypeScript");
  if (identifier in vocabulary || ownNames.has(identifier)) refuse("it is a word of the device vocabulary");
}
