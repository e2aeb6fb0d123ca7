/** The page's script: a card with charts for every figure. */
import type { Card, PageData } from "../data.ts";
import { drawBars, drawHistory } from "./charts.ts";

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
  const made = element("article");
  const title = element("h2", name);
  title.append(element("small", [unit, ratio?.replace(" ", " times ")].filter(Boolean).join(" · ")));
  made.append(title);
  parent.append(made);
  drawBars(canvasIn(made, `bars bars-${bars.length}`, `${name} of each column`), card);
  for (const { column, remark } of bars)
    if (remark !== undefined) made.append(element("p", `${column}: ${remark}`));
  if (history.length > 0) drawHistory(canvasIn(made, "history", `${name} across commits`), card);
}

const data = JSON.parse(document.getElementById("data")!.textContent) as PageData;
const { commit, date, changed } = data.commit;
document.getElementById("commit")!.textContent =
  `${commit.slice(0, 12)} of ${date.slice(0, 10)}${changed === true ? ", with changes" : ""}`;
const broken = document.getElementById("broken")!;
for (const { line, reason } of data.broken)
  broken.append(element("li", `line ${line} of the history is left out: ${reason}`));
const families = new Map<string, Card[]>();
for (const card of data.cards) {
  const family = card.name.split(".")[0]!;
  families.set(family, [...(families.get(family) ?? []), card]);
}
for (const [family, cards] of families) {
  const section = element("section");
  const heading = element("h1", family);
  const grid = element("div", "", "grid");
  section.append(heading, grid);
  document.querySelector("main")!.append(section);
  for (const card of cards) addCard(grid, card);
}
