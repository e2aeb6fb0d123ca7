/** Payloads: files that an image brings along for its guests. */
import { ManifestError, placeOf } from "./error.ts";

/** Whether a payload is a part of the `.efi`, or lies beside it on the EFI system partition. */
export type Placement = "sealed" | "esp";

/** A file that is declared and not read: the builder does that. */
export interface PayloadDeclaration {
  readonly kind: "payload";
  /** The file's name without its folders. */
  readonly name: string;
  /** As declared, with `/` between folders. */
  readonly path: string;
  /** Undefined: as the image says. */
  readonly placement: Placement | undefined;
  readonly place: Error;
}

/** A literal that can be a path: not empty, no backslash, not the name of a folder. */
export type PayloadPath<S extends string> = string extends S
  ? S
  : S extends "" | `${string}/` | `${string}\\${string}`
    ? { readonly "a payload's path names a file, with / between folders": S }
    : S;

const namePattern = /^[A-Za-z0-9_+][A-Za-z0-9._+-]*$/;

/**
 * Declares a file that the image brings along. A relative path is looked for beside the image's file, then among the
 * payloads that the set-up has got. Throws TV5116 for a path that names no file.
 */
export function payload<const Path extends string>(
  path: PayloadPath<Path> & string,
  options: { readonly placement?: Placement } = {},
): PayloadDeclaration {
  const place = placeOf(`payload "${path}"`);
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (!namePattern.test(name)) {
    throw new ManifestError(
      "TV5116",
      `"${path}" does not end in a file name of letters, digits and . _ + -`,
      [place],
    );
  }
  return Object.freeze({ kind: "payload", name, path, placement: options.placement, place });
}
