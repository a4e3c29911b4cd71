// YAML as the API reads it: what Go's library makes of it (YAML 1.1 without timestamps, sexagesimals and binaries), in the bounds of JSON.
import { Composer, type Document, isMap, isScalar, isSeq, Lexer, Parser, type Tags } from "yaml";
import { documentDepth, reportedProblems, yamlAliases, yamlLines, yamlTokens } from "../limits.ts";
import { type Body, countKeys, pathText, wholeCharacters } from "./json.ts";

/** `0644` is octal and `yes` is true, as in Go; `2001-02-03` and `80:80` stay text, since JSON has no other word for them. */
const customTags = (tags: Tags): Tags =>
  tags.filter((tag) => typeof tag === "object" && !("format" in tag && tag.format === "TIME") && !foreign.has(tag.tag));
const foreign = new Set(["timestamp", "binary", "omap", "pairs", "set"].map((name) => `tag:yaml.org,2002:${name}`));

/** The first document of a YAML text. @throws SyntaxError */
export function parseYaml(text: string): Body {
  if (text.split("\n", yamlLines + 1).length > yamlLines) throw tooLong(yamlLines, "lines");
  const document = compose(text);
  if (document.errors[0]) throw new SyntaxError(document.errors[0].message);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: yamlAliases }) ?? null;
  } catch (error) { // an alias that expands to too much, or without an anchor
    throw new SyntaxError((error as Error).message);
  }
  countKeys(value); // aliases may have made it deeper
  if (/\\[uU]/.test(text)) value = wholeCharacters(value);
  const duplicates = new Set<string>();
  collectDuplicates(document.contents, [], duplicates);
  return { value, duplicates: [...duplicates] };
}
const tooLong = (most: number, what: string) => new SyntaxError(`the document has more than ${most} ${what} of YAML; send it as JSON`);

/** What the lexer says before a plain or block scalar, which may begin with whatever it likes. */
const scalarFollows = "\x1f";
/** The composer recurses, the parser before it does not: so its stack is looked at in between. */
function compose(text: string): Document {
  const parser = new Parser(), composer = new Composer({ version: "1.1", customTags, uniqueKeys: false, logLevel: "silent" });
  const tokens = function* () {
    let count = 0, aliases = 0, before = "";
    for (const lexeme of new Lexer().lex(text)) {
      if (++count > yamlTokens) throw tooLong(yamlTokens, "tokens");
      if (lexeme.startsWith("*") && before !== scalarFollows && ++aliases > yamlAliases) throw tooLong(yamlAliases, "aliases");
      before = lexeme;
      yield* parser.next(lexeme);
      if (parser.stack.length > documentDepth + 2) throw new SyntaxError(`the document is nested more than ${documentDepth} levels deep`);
    }
    yield* parser.end();
  };
  for (const document of composer.compose(tokens(), true, text.length)) return document;
  throw new SyntaxError("the document is empty");
}

/** `path`: of the node, as steps, because a text for each of them would be long, and few are needed. */
function collectDuplicates(node: unknown, path: readonly string[], found: Set<string>): void {
  if (found.size >= reportedProblems) return;
  if (isSeq(node)) node.items.forEach((item, i) => collectDuplicates(item, [...path, `[${i}]`], found));
  if (!isMap(node)) return;
  const seen = new Set<string>();
  for (const { key, value } of node.items) {
    const name = String(isScalar(key) ? key.value : key), here = [...path, `.${name}`];
    if (seen.size === seen.add(name).size) found.add(pathText(here));
    collectDuplicates(value, here, found);
  }
}
