/** The picture in README: the strata with the imports between them, and the way from firmware to guest. */
import type { StratumFolder, StratumImport } from "./imports.ts";

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const height = 470;
const width = 960;
const boxHeight = 74;

/** Where each stratum stands, and what it is. */
const places: Readonly<
  Record<StratumFolder, Box & { readonly title: string; readonly lines: readonly string[] }>
> = {
  images: box(30, 60, 420, "images/", [
    "an appliance: guests, memory, devices, payloads",
    "evaluated when the image is built",
  ]),
  devices: box(30, 175, 200, "devices/", ["model stratum: declared", "registers and handlers"]),
  kernel: box(250, 175, 200, "kernel/", ["kernel stratum: dispatch,", "memory slots, time, events"]),
  platforms: box(250, 290, 200, "platforms/x86_64/", [
    "platform stratum: SVM,",
    "decoder, firmware, assembly",
  ]),
  dsl: box(30, 385, 420, "dsl/", [
    "the vocabulary: integers with widths, layouts,",
    "register banks, manifests",
  ]),
};

/** From power-on to a guest that runs. */
const steps: readonly (readonly [title: string, line: string])[] = [
  ["UEFI firmware", "loads NAME.efi from the EFI system partition"],
  ["efi_main", "CPU, memory map, ACPI tables, payloads: checked, or refused"],
  ["ExitBootServices", "own page tables, GDT, IDT, interrupt controllers, clocks"],
  ["kernel.start", "memory for the guests, nested page tables, kernels loaded"],
  ["VMRUN", "the guest runs until it needs something"],
  ["exit", "generated dispatch: ports, windows, MSRs, CPUID, interrupts"],
];

function box(x: number, y: number, width: number, title: string, lines: readonly string[]) {
  return { x, y, width, height: boxHeight, title, lines };
}

const style = `text{font-family:system-ui,sans-serif;font-size:13px;fill:#1f2328}.t{font-weight:600;font-size:15px}.h{font-weight:600;font-size:17px}.d{fill:#57606a}rect{fill:#f6f8fa;stroke:#57606a;rx:6}.s{fill:#ddf4ff;stroke:#0969da}.g{fill:#dafbe1;stroke:#1a7f37}path{fill:none;stroke:#57606a;stroke-width:1.5;marker-end:url(#a)}`;
const arrow = `<marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z" style="fill:#57606a;stroke:none;marker-end:none"/></marker>`;

/** The picture as SVG. */
export function picture(imports: readonly StratumImport[]): string {
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="The strata of Typevisor and the way from firmware to guest">`,
    `<style>${style}</style><defs>${arrow}</defs>`,
    `<rect x="0" y="0" width="${width}" height="${height}" style="fill:#fff;stroke:none"/>`,
    label(30, 36, "Strata, and what each imports", "h"),
    label(510, 36, "From power-on to a guest", "h"),
    ...imports.map(importArrow),
    ...Object.values(places).map(stratumBox),
    ...steps.flatMap(step),
    loop(),
    "</svg>",
  ];
  return `${parts.join("\n")}\n`;
}

function label(x: number, y: number, text: string, kind = "d"): string {
  return `<text x="${x}" y="${y}" class="${kind}">${text}</text>`;
}

function stratumBox({ x, y, width, height, title, lines }: (typeof places)[StratumFolder]): string {
  return [
    `<rect x="${x}" y="${y}" width="${width}" height="${height}" class="s"/>`,
    label(x + 12, y + 24, title, "t"),
    ...lines.map((line, i) => label(x + 12, y + 44 + 18 * i, line)),
  ].join("");
}

/** From the importing box to the imported one, along the gaps between boxes. */
function importArrow({ from, to }: StratumImport): string {
  const [a, b] = [places[from], places[to]];
  const down = a.y < b.y;
  const overlap = [Math.max(a.x, b.x), Math.min(a.x + a.width, b.x + b.width)];
  const startY = down ? a.y + a.height : a.y;
  const endY = down ? b.y : b.y + b.height;
  // Arrows that would cross a box in between go past it.
  const x = from === "kernel" && to === "dsl" ? 240 : Math.round((overlap[0] + overlap[1]) / 2);
  if (from === "kernel" && to === "dsl") return `<path d="M250 ${a.y + a.height / 2 + 14}H${x}V${endY}"/>`;
  return `<path d="M${x} ${startY}V${endY}"/>`;
}

const stepHeight = 58;
const stepGap = 12;
const stepX = 510;
const stepWidth = 420;

function stepY(index: number): number {
  return 60 + index * (stepHeight + stepGap);
}

function step([title, line]: (typeof steps)[number], index: number): string[] {
  const y = stepY(index);
  const inGuest = index >= steps.length - 2;
  return [
    `<rect x="${stepX}" y="${y}" width="${stepWidth}" height="${stepHeight - 6}"${inGuest ? ' class="g"' : ""}/>`,
    label(stepX + 12, y + 21, title, "t"),
    label(stepX + 12, y + 40, line),
    ...(index === 0 ? [] : [`<path d="M${stepX + 210} ${y - stepGap - 6}V${y}"/>`]),
  ];
}

/** Back from the last step to the one before it. */
function loop(): string {
  const [from, to] = [stepY(steps.length - 1) + 26, stepY(steps.length - 2) + 26];
  const x = stepX + stepWidth;
  return `<path d="M${x} ${from}H${x + 15}V${to}H${x + 2}"/>`;
}
