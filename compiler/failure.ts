/** The failures that are not a bug of Typevisor, each with its exit code; anything else that is thrown is one. */

/** The input is wrong (an image, a payload, an option): exit code 1. The message is for the user, and complete. */
export class InputFailure extends Error {
  override readonly name: string = "InputFailure";
}

/** The machine lacks something (a program, a package): exit code 2. The message says what to do. */
export class MachineFailure extends Error {
  override readonly name: string = "MachineFailure";
}
