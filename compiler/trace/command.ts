/** `typevisor trace`: decodes a trace that a machine has written. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Manifest } from "../../dsl/image.ts";
import { traceModel, type TraceModel } from "../../dsl/trace/model.ts";
import { InputFailure } from "../failure.ts";
import { runFrontEnd } from "../front-end.ts";
import { decodeTrace, filterEvents, kindNames, type TraceFilter } from "./decode.ts";
import { readTrace } from "./read.ts";
import { chromeTrace, countTable, eventLine } from "./show.ts";

/** What to do with a trace. */
export interface TraceOptions extends TraceFilter {
  /** The image's source, or the `trace.json` that its build has left. */
  readonly image: string;
  readonly counts: boolean;
  /** A file that gets the events in Chrome's trace-event format instead of the screen. */
  readonly chrome?: string;
}

/** Decodes a trace and prints it. Throws InputFailure where it is damaged, after everything before the damage. */
export function showTrace(file: string, options: TraceOptions, print: (text: string) => void): void {
  const { image, counts, chrome, kind } = options;
  if (!existsSync(file)) throw new InputFailure(`there is no trace ${file}`);
  const kinds = Object.values(kindNames);
  if (kind !== undefined && !kinds.includes(kind))
    throw new InputFailure(`there is no kind of event "${kind}"; there are ${kinds.join(", ")}`);
  const model = modelFrom(image);
  checkNames(model, options);
  const trace = readTrace(readFileSync(file), model);
  const events = filterEvents(decodeTrace(trace, model), options);
  if (chrome !== undefined) {
    writeFileSync(chrome, chromeTrace(events));
    print(`${events.length} events in ${chrome}\n`);
  } else if (counts) print(countTable(events));
  else for (const event of events) print(`${eventLine(event)}\n`);
  const { damage, records } = trace;
  if (damage === undefined) return;
  throw new InputFailure(
    `${file}, offset ${damage.offset}: ${damage.message}; ${records.length} events before it are whole`,
  );
}

function modelFrom(image: string): TraceModel {
  if (!existsSync(image)) throw new InputFailure(`there is no image ${image}`);
  if (image.endsWith(".json")) {
    try {
      const model = JSON.parse(readFileSync(image, "utf8")) as Partial<TraceModel>;
      if (Array.isArray(model.devices) && typeof model.types === "object") return model as TraceModel;
    } catch {
      // Said below, as for JSON of another kind.
    }
    throw new InputFailure(`${image} is no model of a trace: give the trace.json that the build has left`);
  }
  const { root } = runFrontEnd(resolve(image));
  const manifest = root["default"] as Manifest | undefined;
  if (manifest?.kind !== "manifest") throw new InputFailure(`${image} is no image`);
  if (manifest.model.trace === null)
    throw new InputFailure(`${image} declares no trace: \`trace: {}\` in its manifest does`);
  return traceModel(manifest);
}

function checkNames({ devices, types }: TraceModel, { device, register }: TraceFilter): void {
  const chosen = devices.filter(
    (d) => device === undefined || d.name === device || `${d.guest}/${d.name}` === device,
  );
  if (chosen.length === 0)
    throw new InputFailure(
      `there is no device "${device}"; there are ${devices.map((d) => d.name).join(", ")}`,
    );
  if (register === undefined) return;
  const bare = register.replace(/[.[{].*$/, "");
  const known = chosen.some(({ type, wires }) => {
    const { registers, state, hypercalls, calls } = types[type]!;
    const names = [...registers, ...state, ...hypercalls, ...calls].map(({ name }) => name);
    return [...names, ...wires.map((wire) => wire.replace(/\[.*$/, ""))].includes(bare);
  });
  if (!known)
    throw new InputFailure(
      `nothing is called "${register}"${device === undefined ? "" : ` in device "${device}"`}`,
    );
}
