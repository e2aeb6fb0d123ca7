/** The register reference of a device: a page in Markdown, made from its frozen model and nothing else. */
import type { DeviceModel, StateModel } from "../../dsl/device/model.ts";
import { bankSection } from "./bank-section.ts";
import { patterns } from "./bit-picture.ts";
import type { Fitting } from "./fitting.ts";
import { table } from "./markdown.ts";
import { registerSection } from "./register-section.ts";
import { hypercallSection, leafSection } from "./table-sections.ts";

const wires: Readonly<Record<NonNullable<StateModel["wire"]>, string>> = {
  line: "an interrupt line or another level, out",
  timer: "a timer of the board",
  sink: "bytes out to the host",
  channel: "messages to and from other guests' devices",
  source: "bytes in from the host",
  messages: "interrupt messages, out",
  signal: "events without a level, out: reset, power-off, NMI, end of interrupt",
  page: "a page that the guest lays over its memory",
  volume: "sectors of the host, straight to and from guest memory",
  report: "what the guest reports to the administrator",
  shared: "memory that guests share",
  flash: "a flash's array",
  misuse: "reports of what the guest does against the device's rules",
  port: "a port on a network",
  unimplemented: "reports of what is not implemented",
};

/** What a piece of state is: a wire, or a value. */
function pieceOf({ wire, type, inputPins, fifo }: StateModel): string {
  if (inputPins > 0) return `${inputPins} input lines`;
  if (wire === null) return `\`${type}\`${fifo ? ", a queue" : ""}`;
  const [, many] = /\[(\d+)\]$/.exec(type) ?? [];
  return `${wires[wire]}${many === undefined ? "" : `, ${many} of them`}`;
}

function stateSection(model: DeviceModel): string {
  if (model.state.length === 0) return "There is none beside the registers.";
  const rows = model.state.map((state) => [
    `\`${state.name}\``,
    pieceOf(state),
    state.saved ? "yes" : "no",
    state.retained ? "stays" : "cleared",
  ]);
  return table(["name", "what it is", "saved", "after a reset"], rows);
}

function eventsSection(model: DeviceModel): string {
  if (model.reported.length === 0)
    return "None: there is no register or field that is declared and not implemented, or that reports wrong writes.";
  const names = model.reported.map((name) => `[\`${name}\`](#${name})`).join(", ");
  return `The first use of each of these by a guest is an event \`unimplemented\` with the register's name, and every use is counted: ${names}.`;
}

/** Where guests find it. */
function fittingSection(fittings: readonly Fitting[]): string {
  const windows = fittings.flatMap((f) =>
    f.windows.map((w) => [`\`${f.name}\``, w.name, w.space, w.from, w.to]),
  );
  const lines = fittings.flatMap((f) =>
    f.lines.map((l) => [`\`${f.name}\``, l.name, l.irq, l.gsi, l.signalled]),
  );
  const named = fittings.flatMap((f) =>
    f.acpi === undefined ? [] : [`\`${f.name}\` is \`${f.acpi}\` in ACPI's namespace.`],
  );
  return [
    ...(windows.length === 0 ? [] : [table(["device", "window", "space", "first", "last"], windows)]),
    ...(lines.length === 0 ? [] : [table(["device", "line", "IRQ", "I/O APIC pin", "signalled"], lines)]),
    ...named,
  ].join("\n\n");
}

/** A section for each template that has it. */
function fittingSections(fittings: readonly Fitting[]): readonly string[] {
  const templates = [...new Set(fittings.map((fitting) => fitting.template))];
  return templates.flatMap((template) => [
    `## In a guest with \`${template}()\` {#fitted-${template}}`,
    fittingSection(fittings.filter((fitting) => fitting.template === template)),
  ]);
}

/** The page of a device, where templates fit it into guests, and the file that declares it where one file does. */
export function devicePage(model: DeviceModel, fittings: readonly Fitting[], source?: string): string {
  return [
    `# ${model.title}`,
    `Device \`${model.name}\`${source === undefined ? "" : `, declared in [\`${source}\`](../../${source})`}.`,
    ...(model.about === "" ? [] : [model.about]),
    ...(model.manuals.length === 0 ? [] : [`Manuals:`, model.manuals.map((m) => `- ${m}`).join("\n")]),
    "How to read the pictures and the kinds of fields is told [here](index.md#kinds-of-fields).",
    patterns(),
    ...fittingSections(fittings),
    ...(model.banks.length === 0
      ? []
      : [
          "## Windows and banks {#windows-and-banks}",
          ...model.banks.map((bank) => bankSection(bank, model.registers)),
          "## Registers {#all-registers}",
          ...model.registers.map((register) => registerSection(register)),
        ]),
    ...(model.leaves.length === 0 ? [] : ["## CPUID leaves {#all-leaves}", ...model.leaves.map(leafSection)]),
    ...(model.hypercalls.length === 0
      ? []
      : ["## Hypercalls {#all-hypercalls}", ...model.hypercalls.map(hypercallSection)]),
    "## State {#all-state}",
    stateSection(model),
    "## Events {#all-events}",
    eventsSection(model),
  ].join("\n\n");
}
