// The command line of the programs below test/ that people run: --help, options with words for what is wrong with them, lines said.
import process from "node:process";
import { parseArgs, type ParseArgsConfig } from "node:util";

export const say = (line: string): void => void process.stdout.write(`${line}\n`);

export interface CommandLine<T extends ParseArgsConfig> {
  readonly values: ReturnType<typeof parseArgs<T>>["values"];
  readonly positionals: readonly string[];
  /** Says what is wrong, and how it would be right. Ends the process with status 2. */
  refuse(what: string): never;
  /** The option of that name as a number; what is none is refused. */
  number(name: string, otherwise: number, range?: "from 0" | "above 0"): number;
}

/** What this process was called with. --help, which every one of them has, is printed here, and ends the process. */
export function commandLine<const T extends ParseArgsConfig>(help: string, config: T): CommandLine<T> {
  const refuse = (what: string): never => {
    process.stderr.write(`${what}\n\n${help}`);
    process.exit(2);
  };
  const parsed = (() => {
    try {
      return parseArgs<T>({ ...config, options: { ...config.options, help: { type: "boolean" } } });
    } catch (error) {
      return refuse((error as Error).message);
    }
  })();
  const values: Readonly<Record<string, unknown>> = parsed.values;
  if (values.help) {
    process.stdout.write(help);
    process.exit(0);
  }
  return {
    values: parsed.values,
    positionals: parsed.positionals,
    refuse,
    number(name, otherwise, range = "from 0") {
      const text = values[name];
      if (text === undefined) return otherwise;
      const value = text === "" ? NaN : Number(text);
      if (Number.isFinite(value) && (range === "from 0" ? value >= 0 : value > 0)) return value;
      return refuse(`Cannot take --${name} ${text}: it must be a number ${range}`);
    },
  };
}
