/** The look of the site: VitePress's own, with the fonts of the reader's machine, and the pictures of registers. */
import theme from "vitepress/theme-without-fonts";
import "./style.css";
import "./patterns.css";

// eslint-disable-next-line no-restricted-syntax -- VitePress looks for a default export.
export default theme;
