import eslint from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["node_modules/", "out/", ".cache/", "**/fixtures/**", "**/testdata/**"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  eslint.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [...tseslint.configs.strict, ...tseslint.configs.stylistic],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/await-thenable": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/return-await": "error",
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      // The DSL's declarations say `type` and `interface` for different things: a record of data, and a contract.
      "@typescript-eslint/consistent-type-definitions": "off",
      // A declaration's shape is often clearer with an index signature, an explicit width, or an empty action.
      "@typescript-eslint/consistent-indexed-object-style": "off",
      "@typescript-eslint/no-inferrable-types": "off",
      "@typescript-eslint/no-empty-function": "off",
      "@typescript-eslint/no-invalid-void-type": "off",
      "@typescript-eslint/consistent-generic-constructors": "off",
      // Fixed-layout code indexes arrays that the compiler has proved to be long enough.
      "@typescript-eslint/no-non-null-assertion": "off",
      "no-restricted-syntax": [
        "error",
        { selector: "ExportDefaultDeclaration", message: "exports are named" },
        { selector: "ExportAllDeclaration", message: "a file exports what it declares" },
      ],
      "max-lines": ["error", { max: 500, skipBlankLines: true, skipComments: true }],
      "no-warning-comments": "error",
      eqeqeq: "error",
    },
  },
  {
    // An image's module is its manifest.
    files: ["images/*.ts", "ci/boot/images/*.ts"],
    rules: { "no-restricted-syntax": "off" },
  },
  {
    files: ["**/*.mjs", "**/*.js"],
    languageOptions: { globals: { process: "readonly", setInterval: "readonly", clearInterval: "readonly" } },
  },
);
