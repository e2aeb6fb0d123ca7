/** The charts of a figure: a bar for each column, and a line across commits. */
import {
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
} from "chart.js";
import type { Card, Curve } from "../data.ts";
import { colours, lineColours } from "../colours.ts";

Chart.register(
  BarController,
  BarElement,
  CategoryScale,
  Legend,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
);
Chart.defaults.animation = false;
Chart.defaults.plugins.legend.display = false;
Chart.defaults.maintainAspectRatio = false;
Chart.defaults.font.family = "system-ui, sans-serif";
Chart.defaults.color = getComputedStyle(document.body).color;
Chart.defaults.borderColor = "rgba(128, 128, 128, 0.25)";

/** A value as text; a dash where there is none. */
export function shown(value: number | undefined): string {
  return value === undefined ? "-" : value.toLocaleString("en-US", { maximumFractionDigits: 3 });
}

/** Horizontal bars from zero, each with its value in its label. */
export function drawBars(canvas: HTMLCanvasElement, { bars, unit }: Card): void {
  new Chart(canvas, {
    type: "bar",
    data: {
      labels: bars.map(({ column, value }) => `${column}  ${shown(value)}`),
      datasets: [
        {
          label: unit,
          data: bars.map(({ value }) => value ?? null),
          backgroundColor: bars.map(({ column }) => colours[column]),
          maxBarThickness: 18,
          // What is measured is seen, however little it is.
          minBarLength: 2,
        },
      ],
    },
    options: {
      indexAxis: "y",
      scales: {
        x: { beginAtZero: true, ticks: { maxTicksLimit: 4 } },
        y: { grid: { display: false }, ticks: { autoSkip: false } },
      },
    },
  });
}

/** Typevisor's value in every run that the history keeps, in its order. */
export function drawHistory(canvas: HTMLCanvasElement, { history, unit }: Card): void {
  new Chart(canvas, {
    type: "line",
    data: {
      labels: history.map(({ commit }) => commit.slice(0, 7)),
      datasets: [
        {
          label: unit,
          data: history.map(({ value }) => value),
          borderColor: colours.typevisor,
          backgroundColor: colours.typevisor,
          pointRadius: 3,
        },
      ],
    },
    options: {
      scales: {
        x: { ticks: { maxTicksLimit: 5, maxRotation: 0 } },
        y: { ticks: { maxTicksLimit: 4 }, grace: "10%" },
      },
      plugins: {
        tooltip: { callbacks: { afterTitle: ([item]) => history[item?.dataIndex ?? 0]?.date ?? "" } },
      },
    },
  });
}

/** A line for each name, along the number of what is counted. */
export function drawCurve(canvas: HTMLCanvasElement, { along, unit, lines }: Curve): void {
  new Chart(canvas, {
    type: "line",
    data: {
      datasets: lines.map(({ name, points }, i) => ({
        label: name,
        data: [...points],
        borderColor: lineColours[i % lineColours.length],
        backgroundColor: lineColours[i % lineColours.length],
        pointRadius: 3,
      })),
    },
    options: {
      scales: {
        x: { type: "linear", title: { display: true, text: along }, ticks: { maxTicksLimit: 6 } },
        y: { beginAtZero: true, title: { display: true, text: unit }, ticks: { maxTicksLimit: 5 } },
      },
      plugins: { legend: { display: true, position: "bottom", labels: { boxHeight: 2 } } },
    },
  });
}
