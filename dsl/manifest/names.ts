/** Names of images, guests and devices: they become file names, symbols and notices. */
import { ManifestError } from "./error.ts";

type Letter =
  | "a"
  | "b"
  | "c"
  | "d"
  | "e"
  | "f"
  | "g"
  | "h"
  | "i"
  | "j"
  | "k"
  | "l"
  | "m"
  | "n"
  | "o"
  | "p"
  | "q"
  | "r"
  | "s"
  | "t"
  | "u"
  | "v"
  | "w"
  | "x"
  | "y"
  | "z";
type Digit = "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9";
type Rest<S extends string> = S extends ""
  ? true
  : S extends `${Letter | Digit | "-"}${infer R}`
    ? Rest<R>
    : false;
type Valid<S extends string> = S extends `${string}-`
  ? false
  : S extends `${Letter}${infer R}`
    ? Rest<R>
    : false;

/** A literal that is a name: lower-case letters, digits and dashes, a letter first and no dash last. */
export type Identifier<S extends string> = string extends S
  ? S
  : Valid<S> extends true
    ? S
    : { readonly "a name is lower-case letters, digits and dashes, and starts with a letter": S };

const pattern = /^[a-z]([a-z0-9-]*[a-z0-9])?$/;
const longest = 32;

/** Throws TV5101 for what is no name. */
export function checkName(kind: string, name: string, place: Error): void {
  if (pattern.test(name) && name.length <= longest) return;
  const rule =
    name.length > longest
      ? `it is longer than ${longest} characters`
      : "a name is lower-case letters, digits and dashes, and starts with a letter";
  throw new ManifestError("TV5101", `"${name}" is no name for ${kind}: ${rule}`, [place]);
}
