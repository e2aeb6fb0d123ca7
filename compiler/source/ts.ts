/** The one TypeScript of the compiler: ts-morph's own. Trees and symbols of another copy never meet these. */
export { ts } from "ts-morph";
