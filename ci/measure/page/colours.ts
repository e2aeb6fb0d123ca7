/** The colour of each column: told apart by those who see fewer colours too (Okabe and Ito). */
import type { Column } from "../figure.ts";

export const colours: Readonly<Record<Column, string>> = {
  typevisor: "#0072b2",
  kvm: "#e69f00",
  xen: "#cc79a7",
  bare: "#999999",
  bochs: "#56b4e9",
};

/** The colours of lines that are all Typevisor's, from the same palette. */
export const lineColours = [colours.typevisor, "#d55e00", "#009e73"] as const;
