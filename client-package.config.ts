import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import ts from "typescript-api";

/**
 * Builds the typed client as a package of its own, without dependencies: one module, and types that import nothing but themselves. The
 * types of the operations come from the routes of the server, through Hono and zod. They are written out as plain data, so the package
 * needs neither. Run the build of the project first.
 */

const FOLDER = join("dist", "client-package");
/** The package.json of the package, without its version and its licence, which are those of the project. */
const MANIFEST = "client-package.json";

const SOURCES = join("src", "interfaces", "client");
const DECLARATIONS = join("dist", "interfaces", "client");
/** The declarations that import nothing of the server. */
const PLAIN = ["client", "client-types", "excerpt", "result"];
const OPERATIONS = join(SOURCES, "operations.ts");
/** Its types keep their names. */
const NAMED = resolve(SOURCES, "result.ts");

/** The problems of an operation are written as a list of their codes. */
const PROBLEMS = `/** A problem of the server (RFC 9457). */
interface ProblemBody {
  readonly type: "about:blank";
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly requestId: string | null;
}
type Problem<Code extends string> = Code extends string ? ProblemBody & { readonly code: Code } : never;
/** A problem with an entry for each wrong value. */
type InvalidProblem<Code extends string> = Code extends string
  ? ProblemBody & { readonly code: Code; readonly errors: readonly FieldError[] }
  : never;
`;
const PROBLEM_FIELDS = ["code", "detail", "requestId", "status", "title", "type"].join();

class OperationTypes {
  readonly #checker: ts.TypeChecker;
  /** The types of `result.ts` that the written types name. */
  readonly named = new Set(["FieldError"]);

  constructor(checker: ts.TypeChecker) {
    this.#checker = checker;
  }

  /** A type of plain data as text, in which each other type is replaced by its content. */
  text(type: ts.Type): string {
    if (type.isUnion()) return this.#union(type.types);
    if ((type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) === 0) return this.#checker.typeToString(type);
    const declaredIn = type.symbol?.declarations?.[0]?.getSourceFile().fileName;
    if (declaredIn === NAMED && type.isClassOrInterface()) {
      this.named.add(type.symbol.name);
      return type.symbol.name;
    }
    const [element] = this.#checker.isArrayType(type) ? this.#checker.getTypeArguments(type as ts.TypeReference) : [];
    if (element !== undefined) return `${type.symbol.name}<${this.text(element)}>`;
    if (type.getCallSignatures().length > 0) throw new Error(`${this.#checker.typeToString(type)} is no plain data.`);
    return `{ ${type
      .getProperties()
      .map((property) => this.#property(property))
      .join(" ")} }`;
  }

  #union(types: readonly ts.Type[]): string {
    const problems: string[] = [];
    const invalid: string[] = [];
    const others = new Set<string>();
    for (const type of types) {
      const fields = type.getProperties().map(({ name }) => name);
      const hasErrors = fields.includes("errors");
      const isProblem =
        fields
          .filter((name) => name !== "errors")
          .toSorted()
          .join() === PROBLEM_FIELDS;
      if (isProblem) (hasErrors ? invalid : problems).push(this.#codeOf(type));
      else others.add(this.text(type));
    }
    if (others.delete("true") && others.delete("false")) others.add("boolean");
    return [
      ...(problems.length > 0 ? [`Problem<${problems.toSorted().join(" | ")}>`] : []),
      ...(invalid.length > 0 ? [`InvalidProblem<${invalid.toSorted().join(" | ")}>`] : []),
      ...others,
    ].join(" | ");
  }

  #codeOf(problem: ts.Type): string {
    const code = problem.getProperty("code");
    return code === undefined ? "never" : this.text(this.#checker.getTypeOfSymbol(code));
  }

  #property(property: ts.Symbol): string {
    const type = this.#checker.getTypeOfSymbol(property);
    const isOptional = (property.flags & ts.SymbolFlags.Optional) !== 0;
    const members = type.isUnion() ? type.types : [type];
    // The checker adds a type for a missing property, which is not `undefined` itself.
    const isMissing = (member: ts.Type) =>
      (member.flags & ts.TypeFlags.Undefined) !== 0 && member !== this.#checker.getUndefinedType();
    const given = isOptional ? members.filter((member) => !isMissing(member)) : members;
    const name = /^\w+$/.test(property.name) ? property.name : JSON.stringify(property.name);
    return `readonly ${name}${isOptional ? "?" : ""}: ${this.#union(given)};`;
  }
}

/** The declarations of `operations.ts`, written out. */
function operationDeclarations(): string {
  const { config } = ts.readConfigFile("tsconfig.base.json", (path) => ts.sys.readFile(path)) as { config: object };
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [OPERATIONS] }, ts.sys, process.cwd());
  const lib = ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"];
  const program = ts.createProgram([OPERATIONS], { ...options, lib, types: [], composite: false, noEmit: true });
  const source = program.getSourceFile(resolve(OPERATIONS));
  const checker = program.getTypeChecker();
  const types = new OperationTypes(checker);
  const aliases = (source?.statements ?? []).flatMap((node) => (ts.isTypeAliasDeclaration(node) ? [node] : []));
  const written = aliases.map((alias) => {
    const comment = alias.getFullText().slice(0, alias.getLeadingTriviaWidth()).split("\n\n").at(-1)?.trim() ?? "";
    const text = types.text(checker.getTypeAtLocation(alias.name));
    return `${comment === "" ? "" : `${comment}\n`}export type ${alias.name.text} = ${text};\n`;
  });
  return `import type { ${[...types.named].join(", ")} } from "./result.js";\n\n${PROBLEMS}${written.join("")}`;
}

async function bundle(outfile: string): Promise<void> {
  const { metafile } = await build({
    entryPoints: [join(SOURCES, "client.ts")],
    outfile,
    bundle: true,
    format: "esm",
    platform: "neutral",
    target: "es2022",
    minify: true,
    metafile: true,
  });
  const packages = Object.keys(metafile.inputs).flatMap((path) => /node_modules\/([^/]+)/.exec(path)?.[1] ?? []);
  // The package contains the licence of Hono only.
  if (new Set(packages).size !== 1) throw new Error(`The client bundles ${[...new Set(packages)].join(", ")}.`);
}

async function buildClientPackage(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await bundle(join(folder, "client.js"));
  for (const file of PLAIN) {
    const declarations = readFileSync(join(DECLARATIONS, `${file}.d.ts`), "utf8");
    writeFileSync(join(folder, `${file}.d.ts`), declarations.replaceAll(/(from "\.\/[\w-]+)\.ts"/g, '$1.js"'));
  }
  writeFileSync(join(folder, "operations.d.ts"), operationDeclarations());
  copyFileSync(join(SOURCES, "README.md"), join(folder, "README.md"));
  copyFileSync("LICENSE", join(folder, "LICENSE"));
  copyFileSync(join("node_modules", "hono", "LICENSE"), join(folder, "LICENSE-hono"));
  const { version, license } = json("package.json");
  const manifest = { ...json(MANIFEST), version, license };
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}

function json(file: string): Readonly<Record<string, unknown>> {
  return JSON.parse(readFileSync(file, "utf8")) as Readonly<Record<string, unknown>>;
}

await buildClientPackage(FOLDER);
