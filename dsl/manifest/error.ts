/**
 * What a wrong manifest ends with: a code that never changes its meaning, one sentence in the terms of the manifest,
 * and every place that belongs to it. A declaration keeps an `Error` from where it was made; its stack is the place.
 */

/** A code and what it stands for; each has a page in `docs/diagnostics/`. */
export const manifestCodes = Object.freeze({
  TV5101: "a name is no identifier",
  TV5102: "an image has no guest",
  TV5103: "two guests have one name",
  TV5104: "two devices of a guest have one name",
  TV5105: "a guest has no virtual CPU, or too many",
  TV5106: "a guest's memory has no possible size",
  TV5107: "two devices of a guest claim the same addresses",
  TV5108: "a device claims addresses of the guest's memory",
  TV5109: "two lines use one interrupt and cannot share it",
  TV5110: "a line is wired to an interrupt that does not exist",
  TV5111: "a window lies outside its address space",
  TV5112: "a guest lacks a device that it cannot run without",
  TV5113: "a guest has two of a device that exists once",
  TV5114: "no addresses are left below 4 GiB",
  TV5115: "the machine does not have the guests' memory",
  TV5116: "a payload's path is not usable",
  TV5117: "two payloads have one place on the EFI system partition",
  TV5118: "an image has too many payloads",
  TV5119: "a command line cannot be passed on",
  TV5120: "the console names a guest that does not exist",
  TV5121: "an option's value is out of its range",
  TV5122: "a device's ACPI name is wrong or taken",
  TV5123: "a kernel has too many modules",
  TV5124: "a trace names a device that does not exist",
  TV5125: "a guest has too many PCI devices",
  TV5126: "a partition or a file has two users",
  TV5127: "a partition's name is not usable",
  TV5130: "two networks have one name",
  TV5131: "an address is not one of a network card",
  TV5132: "two ports of a network have one address",
  TV5133: "networks have too many ports",
  TV5135: "an address is not one of a guest on a channel",
  TV5136: "two ends of a channel have one address",
  TV5137: "a pipe has not two ends",
  TV5138: "a channel has too many ends",
  TV5140: "two shared memories have one name",
  TV5141: "a guest has too many shared memories",
  TV5150: "a guest cannot run on a CPU that it names",
  TV5151: "more is promised of a CPU than may be",
} as const);
export type ManifestCode = keyof typeof manifestCodes;

/** A manifest that cannot work. */
export class ManifestError extends Error {
  override readonly name = "ManifestError";
  readonly code: ManifestCode;
  /** The declarations at fault, the one to look at first in front; their messages say what each is. */
  readonly places: readonly Error[];
  /** The first of the places: where the diagnostic points. */
  readonly at: Place;
  /** The other places, in the words that a diagnostic shows beside them. */
  readonly related: readonly { readonly message: string; readonly at: Place }[];

  constructor(code: ManifestCode, message: string, places: readonly [Error, ...Error[]]) {
    super(message);
    this.code = code;
    this.places = Object.freeze([...places]);
    // What is wrong with one declaration is shown with the templates that made it; what is wrong between several, where
    // the manifest brought them together.
    this.at = places.length === 1 ? places[0] : inManifest(places[0]);
    this.related = places
      .slice(1)
      .map((place) => ({ message: `${place.message} is declared here`, at: inManifest(place) }));
  }
}

/** A place as diagnostics read it. */
export interface Place {
  readonly stack?: string;
}

const vocabularyFrame = /[\\/](?:dsl|devices)[\\/][^:]*\.ts:\d+:\d+\)?$/;

/** A place without the calls within `dsl/` and `devices/`: where the manifest called them. */
function inManifest(place: Error): Place {
  const lines = (place.stack ?? "").split("\n");
  const outside = lines.filter((line) => !vocabularyFrame.test(line));
  return outside.some((line) => /:\d+:\d+\)?$/.test(line)) ? { stack: outside.join("\n") } : place;
}

/** Remembers where a declaration was made. Call it in the declaring function; `what` says what was declared. */
export function placeOf(what: string): Error {
  return new Error(what);
}

/** A number as a message shows an address. */
export function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
