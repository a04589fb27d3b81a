import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript-api";

/**
 * The lint rule `must-use-result`: a statement that drops a Result of neverthrow, awaited or not, is an error. Custom rules
 * of oxlint have no type information. The compiler of the project has no API, so an older compiler reads the sources.
 */
export function unusedResults(root: string): readonly string[] {
  const { config } = ts.readConfigFile(join(root, "tsconfig.base.json"), (path) => ts.sys.readFile(path)) as {
    config: object;
  };
  // Contracts are tests, which may drop the Result of a call that they only have to make.
  const sources = { ...config, include: ["src/**/*.ts"], exclude: ["src/contracts"] };
  const { fileNames, options } = ts.parseJsonConfigFileContent(sources, ts.sys, root);
  // One program for all layers, with all globals. The build of each layer checks which globals it may use.
  const lib = ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"];
  const program = ts.createProgram(fileNames, { ...options, lib, types: ["node"], composite: false, noEmit: true });
  const checker = program.getTypeChecker();
  return fileNames.flatMap((fileName) => {
    const file = program.getSourceFile(fileName);
    return droppedIn(file, checker).map((node) => {
      const { line, character } = file?.getLineAndCharacterOfPosition(node.getStart()) ?? { line: 0, character: 0 };
      return `${relative(root, fileName)}:${line + 1}:${character + 1}`;
    });
  });
}

/** The statements and the `void` expressions whose value is an unused Result. */
function droppedIn(file: ts.SourceFile | undefined, checker: ts.TypeChecker): readonly ts.Node[] {
  const dropped: ts.Node[] = [];
  const pending: ts.Node[] = file === undefined ? [] : [file];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if ((ts.isExpressionStatement(node) || ts.isVoidExpression(node)) && isResultOf(node.expression, checker))
      dropped.push(node);
    ts.forEachChild(node, (child) => void pending.push(child));
  }
  return dropped;
}

function isResultOf(expression: ts.Expression, checker: ts.TypeChecker): boolean {
  // An assignment names the Result, and `yield*` in `safeTry` propagates its error.
  if (ts.isBinaryExpression(expression) || ts.isYieldExpression(expression)) return false;
  const type = checker.getTypeAtLocation(expression);
  return isResult(type) || isResult(checker.getAwaitedType(type) ?? type);
}

function isResult(type: ts.Type): boolean {
  const members = type.isUnion() ? type.types : [type];
  return members.some(({ symbol }) => {
    if (symbol === undefined || !["Ok", "Err", "ResultAsync"].includes(symbol.name)) return false;
    return (symbol.declarations ?? []).some((declaration) =>
      declaration.getSourceFile().fileName.includes("/neverthrow/"),
    );
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = unusedResults(process.cwd());
  for (const place of found) {
    process.stderr.write(`${place} must-use-result: this Result is dropped. Handle its error, or return it.\n`);
  }
  process.exitCode = found.length > 0 ? 1 : 0;
}
