/**
 * Pictures of registers: their bits, highest first, as strips that stand beside each other where there is room and below
 * each other on a narrow screen. A strip is a byte with a cell for each field in it, or all the bytes of one field.
 * What a field does is told by a code and by a pattern, not by colour; every text is text.
 */
import type { FieldModel, RegisterModel } from "../../dsl/device/model.ts";
import { escapeHtml } from "./markdown.ts";

/** What a cell shows: a field's kind, or bits that no field declares. */
export type CellKind = FieldModel["kind"] | "undeclared";

/** Fields of one strip or a part of one, bits [msb:lsb]. */
interface Cell {
  readonly name: string;
  readonly kind: CellKind;
  readonly msb: number;
  readonly lsb: number;
  /** What a constant reads as, where the cell is all of it. */
  readonly value?: string;
}
interface Strip {
  readonly msb: number;
  readonly lsb: number;
  readonly cells: readonly Cell[];
}

/** Sizes in pixels; a character of the monospaced font is 0.6 of its size. */
const bitWidth = 38;
const stripWidth = 8 * bitWidth;
const numberHeight = 22;
const lineHeight = 24;
const characterWidth = 9.7;

const codes: Readonly<Record<Exclude<CellKind, "stored">, string>> = {
  readOnly: "RO",
  constant: "=",
  reserved: "–",
  writeOneToClear: "W1C",
  writeOneToSet: "W1S",
  readToClear: "RC",
  selfClearing: "SC",
  unimplemented: "NI",
  undeclared: "–",
};

/** The code of a kind of field in a register with an access. */
export function codeOf(kind: CellKind, access: RegisterModel["access"]): string {
  if (kind === "stored") return access.toUpperCase();
  return access === "wo" && kind === "readOnly" ? "–" : codes[kind];
}

/** Every bit of a register, highest first: its fields, and between them what none declares. */
export function cellsOf(register: RegisterModel): readonly Cell[] {
  if (register.fields.length === 0)
    return [
      {
        name: register.name,
        kind: register.unimplemented ? "unimplemented" : "stored",
        msb: register.bits - 1,
        lsb: 0,
      },
    ];
  const cells: Cell[] = [];
  let next = register.bits - 1;
  const gap = (lsb: number): void => {
    if (next >= lsb) cells.push({ name: "", kind: "undeclared", msb: next, lsb });
  };
  for (const { name, kind, msb, lsb, reads } of [...register.fields].sort((a, b) => b.msb - a.msb)) {
    gap(msb + 1);
    cells.push({ name, kind, msb, lsb, ...(kind === "constant" && { value: reads }) });
    next = lsb - 1;
  }
  gap(0);
  return cells;
}

/** The part of a cell within [msb:lsb]; its name says which bits of the field those are, where there are others. */
function within(cell: Cell, msb: number, lsb: number): Cell {
  const { name, kind } = cell;
  const part = { name, kind, msb: Math.min(cell.msb, msb), lsb: Math.max(cell.lsb, lsb) };
  if (part.msb === cell.msb && part.lsb === cell.lsb) return cell;
  if (name === "") return part;
  const range = (n: number): number => n - cell.lsb;
  const bits = part.msb === part.lsb ? `${range(part.msb)}` : `${range(part.msb)}:${range(part.lsb)}`;
  return { ...part, name: `${name}[${bits}]` };
}

/** The strips of a register, highest first. */
export function stripsOf(register: RegisterModel): readonly Strip[] {
  const cells = cellsOf(register);
  const strips: Strip[] = [];
  let msb = register.bits - 1;
  while (msb >= 0) {
    const top = cells.find((cell) => cell.msb >= msb && cell.lsb <= msb)!;
    const whole = Math.floor((msb + 1 - top.lsb) / 8) * 8;
    const lsb = msb + 1 - Math.max(whole, 8);
    const [from, to] = [msb, lsb];
    const inside = cells.filter((cell) => cell.lsb <= from && cell.msb >= to);
    strips.push({ msb, lsb, cells: inside.map((cell) => within(cell, from, to)) });
    msb = lsb - 1;
  }
  return strips;
}

function text(x: number, y: number, content: string, more = ""): string {
  return `<text x="${x}" y="${y}"${more}>${escapeHtml(content)}</text>`;
}

/** A number below ten without its prefix. */
function short(hex: string): string {
  return /^0x[0-9]$/.test(hex) ? hex.slice(2) : hex;
}

function drawStrip(strip: Strip, access: RegisterModel["access"]): string {
  const wide = strip.msb - strip.lsb > 7;
  const x = (bit: number): number => (wide ? 0 : (strip.msb - bit) * bitWidth);
  const widthOf = (cell: Cell): number => (wide ? stripWidth : (cell.msb - cell.lsb + 1) * bitWidth);
  const fits = (written: string, cell: Cell): boolean => written.length * characterWidth + 8 <= widthOf(cell);
  const lies = (cell: Cell): boolean => fits(cell.name, cell);
  const codeIn = (cell: Cell): string => {
    const code = codeOf(cell.kind, access);
    const valued = `${code}${cell.value === undefined ? "" : short(cell.value)}`;
    return fits(valued, cell) ? valued : code;
  };
  const nameHeight = Math.max(
    ...strip.cells.map((cell) => (lies(cell) ? lineHeight : cell.name.length * characterWidth + 12)),
  );
  const top = numberHeight;
  const height = Math.ceil(nameHeight + lineHeight + 8);
  const numbers = wide
    ? [
        text(4, 16, String(strip.msb), ' class="end"'),
        text(stripWidth - 4, 16, String(strip.lsb), ' class="start"'),
      ]
    : Array.from({ length: 8 }, (_, i) => text((i + 0.5) * bitWidth, 16, String(strip.msb - i)));
  const drawn = strip.cells.flatMap((cell) => {
    const [left, width] = [x(cell.msb), widthOf(cell)];
    const middle = left + width / 2;
    const nameAt = top + nameHeight / 2 + 4;
    const turned = lies(cell) ? "" : ` transform="rotate(-90 ${middle} ${nameAt})"`;
    return [
      `<rect class="${cell.kind}" x="${left + 1}" y="${top}" width="${width - 2}" height="${height}"/>`,
      ...(cell.name === "" ? [] : [text(middle, nameAt + 5, cell.name, turned)]),
      text(middle, top + height - 9, codeIn(cell), ' class="code"'),
    ];
  });
  const total = top + height + 2;
  return [
    `<svg class="strip" role="group" aria-label="bits ${strip.msb} to ${strip.lsb}" viewBox="0 0 ${stripWidth} ${total}" width="${stripWidth}" height="${total}">`,
    ...numbers,
    ...drawn,
    "</svg>",
  ].join("\n");
}

/** The picture of a register, as HTML without blank lines, so that it can stand in Markdown. */
export function bitPicture(register: RegisterModel): string {
  const strips = stripsOf(register).map((strip) => drawStrip(strip, register.access));
  return ['<div class="bit-picture" v-pre>', ...strips, "</div>"].join("\n");
}

/** Lines of each pattern in a square of eight pixels. */
const lines: Readonly<Partial<Record<CellKind, string>>> = {
  readOnly: "M0 4H8",
  constant: "M2 2h1M6 6h1",
  reserved: "M0 0L8 8M8 0L0 8",
  writeOneToClear: "M0 8L8 0",
  writeOneToSet: "M0 0L8 8",
  readToClear: "M4 0V8",
  selfClearing: "M0 4H8M4 0V8",
  unimplemented: "M0 0L8 8M8 0L0 8M0 4H8",
  undeclared: "M4 4h1",
};

/** What the pictures of a page fill their cells with; a page has it once. */
export function patterns(): string {
  const defined = Object.entries(lines).map(
    ([kind, path]) =>
      `<pattern id="bits-${kind}" width="8" height="8" patternUnits="userSpaceOnUse"><path d="${path}"/></pattern>`,
  );
  return [
    '<div class="bit-patterns" aria-hidden="true"><svg width="0" height="0"><defs>',
    ...defined,
    "</defs></svg></div>",
  ].join("\n");
}

/** Fills of the cells, by kind. */
export function patternStyle(): string {
  return Object.keys(lines)
    .map((kind) => `.strip rect.${kind} { fill: url(#bits-${kind}); }`)
    .join("\n");
}
