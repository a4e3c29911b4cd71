// `npm run coverage -- --fields FILE`: prints how far our kinds are as a table of the Kubernetes API says, and fails where one is not.
import { readFileSync } from "node:fs";
import process from "node:process";
import { bodies, kinds } from "../../shared/api/kinds/mod.ts";
import { commandLine, say } from "../kit/command_line.ts";
import { compare, type Table } from "./compare.ts";
import { notServed } from "./not_served.ts";

const help = `Usage: npm run coverage -- --fields FILE

Compares every kind that is served with a table of the Kubernetes API: names, types, protobuf numbers, what is required or told from zero, merge keys.
A line a kind; then each difference; then the kinds of the table that are not served.

  --fields FILE  JSON: { "messages": { NAME: { "gvk", "mapType", "json", "fields": { NAME: { "type", "no", "req", "opt", "mergeKey", … } } } } },
                 by the names of the OpenAPI document
  --help

Examples:
  npm run coverage -- --fields ../kubernetes-fields.json
  deno task coverage --fields ../kubernetes-fields.json

Exit status: 0 if every field of every kind is as the table says, and the kinds that are not served are those in test/coverage/not_served.ts;
1 if not; 2 for wrong options or a table that cannot be read.
`;
const { values, refuse } = commandLine(help, { options: { fields: { type: "string" } } });
if (values.fields === undefined) refuse("Cannot compare without a table: say --fields FILE.");

const { kinds: found, messages, total, good, differences, absent } = compare(tableOf(values.fields!), [
  ...kinds.map(({ schema }) => schema),
  ...bodies,
]);
const percent = (good: number, total: number): string =>
  `${String(good).padStart(5)}/${String(total).padEnd(5)} ${(Math.floor(1000 * good / (total || 1)) / 10).toFixed(1).padStart(5)} %`;
for (const { apiVersion, kind, fields } of found) {
  say(`${fields ? percent(fields.good, fields.total) : "not in the table".padStart(19)}  ${apiVersion} ${kind}`);
}
say(`${percent(good, total)}  all, in ${messages} messages\n`);
for (const difference of differences) say(difference);
const missing = absent.filter((kind) => !notServed.includes(kind)), stale = notServed.filter((kind) => !absent.includes(kind));
for (const kind of missing) say(`${kind}: not served, and not in the list of those that are not`);
for (const kind of stale) say(`${kind}: in the list of those that are not served, and yet it is, or the table has none`);
say(`Not served: ${absent.join(", ") || "none"}`);
process.exit(differences.length + missing.length + stale.length > 0 ? 1 : 0);

function tableOf(path: string): Table {
  try {
    const { messages } = JSON.parse(readFileSync(path, "utf8")) as { messages?: Table };
    if (messages && Object.keys(messages).length > 0) return messages;
  } catch (error) {
    refuse(`Cannot read the table: ${(error as Error).message}`);
  }
  return refuse(`Cannot compare with ${path}: it has no messages.`);
}
