/** The page's script: a card with charts for every figure. */
import type { Card, Curve, PageData } from "../data.ts";
import { drawBars, drawCurve, drawHistory, shown } from "./charts.ts";

function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  text = "",
  className = "",
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

/** A canvas in a box of its own, whose size Chart.js follows. */
function canvasIn(parent: HTMLElement, kind: string, label: string): HTMLCanvasElement {
  const box = element("div", "", kind);
  const canvas = element("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", label);
  box.append(canvas);
  parent.append(box);
  return canvas;
}

function addCard(parent: HTMLElement, card: Card): void {
  const { name, unit, bars, ratio, history } = card;
  const [only] = bars;
  const alone = bars.length === 1 ? [only!.column, shown(only!.value), unit] : [unit];
  const made = element("article");
  const title = element("h2", name);
  title.append(
    element("small", [alone.join(" "), ratio?.replace(" ", " times ")].filter(Boolean).join(" · ")),
  );
  made.append(title);
  parent.append(made);
  // One bar has nothing to be long or short beside.
  if (bars.length > 1) {
    made.style.setProperty("--count", String(bars.length));
    drawBars(canvasIn(made, "bars", `${name} of each column`), card);
  }
  for (const { column, remark } of bars)
    if (remark !== undefined) made.append(element("p", `${column}: ${remark}`));
  if (history.length > 1) drawHistory(canvasIn(made, "history", `${name} across commits`), card);
}

function addCurve(parent: HTMLElement, curve: Curve): void {
  const { along, unit, lines } = curve;
  const made = element("article");
  made.append(element("h2", `${unit} along the number of ${along}`));
  parent.append(made);
  drawCurve(
    canvasIn(made, "curve", `${lines.map(({ name }) => name).join(", ")} for each number of ${along}`),
    curve,
  );
}

/** A section with a title, and the grid for what is in it. */
function addSection(title: string): HTMLElement {
  const section = element("section");
  const grid = element("div", "", "grid");
  section.append(element("h1", title), grid);
  document.querySelector("main")!.append(section);
  return grid;
}

const data = JSON.parse(document.getElementById("data")!.textContent) as PageData;
const { commit, date, changed } = data.commit;
document.getElementById("commit")!.textContent =
  `${commit.slice(0, 12)} of ${date.slice(0, 10)}${changed === true ? ", with changes" : ""}`;
const broken = document.getElementById("broken")!;
for (const { line, reason } of data.broken)
  broken.append(element("li", `line ${line} of the history is left out: ${reason}`));
const sections = new Map<string, Card[]>();
// What can be compared comes first.
for (const compared of [true, false]) {
  for (const card of data.cards.filter(({ bars }) => bars.length > 1 === compared)) {
    const family = card.name.split(".")[0]!;
    const title = compared ? family : `${family}, Typevisor alone`;
    sections.set(title, [...(sections.get(title) ?? []), card]);
  }
}
for (const [title, cards] of sections) {
  const grid = addSection(title);
  for (const card of cards) addCard(grid, card);
}
if (data.curves.length > 0) {
  const grid = addSection("how it grows");
  for (const curve of data.curves) addCurve(grid, curve);
}
