import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { CLIENT_PACKAGE_NAME, PACKAGE_NAME } from "../../support/package-name.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const DOCUMENTS = [
  "README.md",
  "ARCHITECTURE.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "examples/reader/README.md",
  "examples/sqlite-storage/README.md",
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

/** A path from the root of the repository, such as `src/main.ts` or `tests/unit/`. */
const ROOT_PATH = /^(?:src|tests|bench|docs|drizzle|examples|\.ci)(?:\/[\w.-]+)*\/?$/;
/** The end of the path of a source file, such as `attempt.ts` or `posts/create-post.ts`. */
const SOURCE_FILE = /^(?:[\w.-]+\/)*[\w.-]+\.ts$/;

const sources = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" });

const read = (name: string) => readFileSync(join(ROOT, name), "utf8");
const withoutBlocks = (text: string) => text.replaceAll(/^```[^]*?^```$/gm, "");

/** The paths in backticks that do not exist. */
function missingPaths(text: string): readonly string[] {
  const quoted = Array.from(withoutBlocks(text).matchAll(/`([^`\n]+)`/g), ([, path = ""]) => path);
  return quoted.filter((path) => {
    if (ROOT_PATH.test(path)) return !existsSync(join(ROOT, path));
    return SOURCE_FILE.test(path) && !sources.some((source) => `/${source}`.endsWith(`/${path}`));
  });
}

/** The links to files or headings of the repository that do not exist. */
function brokenLinks(name: string, text: string): readonly string[] {
  const links = Array.from(withoutBlocks(text).matchAll(/\]\(([^)\s]+)\)/g), ([, link = ""]) => link);
  return links.filter((link) => {
    if (/^https?:/.test(link)) return false;
    const [path = "", anchor] = link.split("#");
    const target = path === "" ? name : join(dirname(name), path);
    if (!existsSync(join(ROOT, target))) return true;
    return anchor !== undefined && !anchorsOf(read(target)).includes(anchor);
  });
}

/** The anchors that GitHub gives to the headings of a document. */
function anchorsOf(text: string): readonly string[] {
  return Array.from(withoutBlocks(text).matchAll(/^#+ (.*)$/gm), ([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

describe("a document", () => {
  it.for(DOCUMENTS)("%s names only paths that exist", (name) => expect(missingPaths(read(name))).toEqual([]));

  it.for(DOCUMENTS)("%s links only to files and headings that exist", (name) =>
    expect(brokenLinks(name, read(name))).toEqual([]),
  );

  it("fails the check with a path or a link that does not exist", () => {
    expect(missingPaths("`src/nowhere.ts`, `nowhere.ts`, `src/main.ts`, `main.ts`")).toEqual([
      "src/nowhere.ts",
      "nowhere.ts",
    ]);
    const links = "[a](docs/nowhere.md), [b](README.md#nowhere), [c](docs/api.md#requests)";
    expect(brokenLinks("README.md", links)).toEqual(["docs/nowhere.md", "README.md#nowhere"]);
  });
});

describe("the name of a package", () => {
  const FILES = [
    ...DOCUMENTS,
    "src/interfaces/client/README.md",
    "examples/deploy/quire@.service",
    "examples/reader/reader.ts",
  ];
  const { version } = JSON.parse(read("package.json")) as { readonly version: string };

  /** The import of the client, or the file of `npm pack`. */
  const namesIn = (text: string) => text.match(/\bquire(?:-[a-z]+)*(?:\/client\b|-\d+\.\d+\.\d+\.tgz)/g) ?? [];

  it.each(FILES)("in %s is that of package.json or of client-package.json", (name) => {
    const tarballs = [PACKAGE_NAME, CLIENT_PACKAGE_NAME].map((packed) => `${packed}-${version}.tgz`);
    const expected = new Set([`${PACKAGE_NAME}/client`, ...tarballs]);
    expect(namesIn(read(name)).filter((found) => !expected.has(found))).toEqual([]);
  });

  it("is found in a text", () => {
    expect(namesIn('from "quire-api/client", ./quire-web-0.1.0.tgz')).toEqual([
      "quire-api/client",
      "quire-web-0.1.0.tgz",
    ]);
  });
});

describe("the tables of docs/dependencies.md", () => {
  it("name every dependency of package.json and no other", () => {
    const { dependencies, devDependencies } = JSON.parse(read("package.json")) as Record<string, object>;
    const named = read("docs/dependencies.md")
      .split("\n")
      .filter((line) => line.startsWith("| `"))
      .flatMap((line) => Array.from((line.split("|")[1] ?? "").matchAll(/`([^`]+)`/g), ([, package_]) => package_));
    expect(new Set(named)).toEqual(new Set(Object.keys({ ...dependencies, ...devDependencies })));
  });
});
