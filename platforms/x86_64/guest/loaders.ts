/** The loader that a guest's manifest asks for; the others leave nothing in the image. */
import type { GuestModel } from "../../../dsl/manifest/model.ts";
import { executableLoader } from "./executable.ts";
import { firmwareLoader } from "./firmware.ts";
import { linuxLoader } from "./linux.ts";
import type { GuestLoader } from "./loader.ts";

/** Builds the loader of a guest from its model. */
export function guestLoader(model: GuestModel): GuestLoader {
  const { loader } = model;
  if (loader.kind === "linux") return linuxLoader(model, loader);
  return "rooms" in loader ? executableLoader(model, loader) : firmwareLoader(loader);
}
