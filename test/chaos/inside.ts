// One trial, inside namespaces of its own (enclosure.ts): node test/chaos/inside.ts OPTIONS. Says what happens on standard output, and leaves the report in the directory.
import { writeFileSync } from "node:fs";
import process from "node:process";
import { say } from "../kit/command_line.ts";
import { runTrial, type TrialOptions } from "./trial.ts";

const options = JSON.parse(process.argv[2]!) as TrialOptions;
const report = await runTrial(options, say);
writeFileSync(`${options.directory}/report.json`, JSON.stringify(report));
process.exit(0);
