/** Landmarks in compiled functions and in assembly (`dsl/core/landmark.ts` says what they are for). */
import { exitKindPrefix, landmarkComment, waitPrefix } from "../dsl/core/landmark.ts";
import { asm } from "./asm.ts";

/** A landmark as a line of assembly. */
export function landmarkLine(name: string): string {
  return `${landmarkComment}${name}`;
}

/** A landmark as a function: the code has it where this is called. */
export function landmark(name: string): () => void {
  return asm({ template: landmarkLine(name), constraints: "", params: [] });
}

/** The landmark of a kind of exit. The build reports the longest path of each kind by its name. */
export function exitKind(name: string): () => void {
  return landmark(`${exitKindPrefix}${name}`);
}

/** The landmark in a loop in which a CPU waits for somebody else. The build reports what for, and counts one turn. */
export function wait(what: string): () => void {
  return landmark(`${waitPrefix}${what}`);
}
