// Configuration of a program: one table of options, each with its schema, default, unit and reason on one line. Flags win over the environment, the
// environment over the file. Unknown names are refused wherever they stand. Pure: whoever calls brings argv, environment and the file's text.
import { parseArgs } from "node:util";
import * as v from "valibot";

export interface Option<T> {
  readonly schema: v.GenericSchema<unknown, T>;
  /** Left out: the option is required. */
  readonly default?: T;
  /** The default as one would type it, where that is not the value's own text. */
  readonly shown?: string;
  readonly help: string;
  /** May be given several times; in the environment separated by commas. */
  readonly multiple?: boolean;
  /** A switch: takes no value. */
  readonly flag?: boolean;
  /** Shown as *** by --print-config and in logs. */
  readonly secret?: boolean;
}
export type Options = Readonly<Record<string, Option<unknown>>>;
export type Config<O extends Options> = { readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never };

export const option = <T>(schema: v.GenericSchema<unknown, T>, help: string, rest: Omit<Option<T>, "schema" | "help"> = {}): Option<T> => ({
  schema,
  help,
  ...rest,
});

/** What is wrong with the configuration, in words for whoever typed it. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const envName = (name: string): string => `SKERRY_${kebab(name).replaceAll("-", "_").toUpperCase()}`;

/** @throws ConfigError naming the option, where it stood, and what is expected */
export function readConfig<const O extends Options>(
  options: O,
  from: {
    readonly argv: readonly string[];
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly file?: { path: string; text: string };
    /** How many words may stand beside the options. Default: none. */
    readonly words?: number;
  },
): { config: Config<O>; positionals: readonly string[] } {
  const names = Object.keys(options), flags = new Map(names.map((name) => [kebab(name), name]));
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({
      args: [...from.argv],
      allowPositionals: true,
      options: Object.fromEntries(
        names.map((
          name,
        ) => [kebab(name), {
          type: options[name]!.flag ? "boolean" as const : "string" as const,
          multiple: options[name]!.multiple ?? false,
        }]),
      ),
    }) as never;
  } catch (cause) {
    throw new ConfigError(`${(cause as Error).message.split(/\n|\. /)[0]}. --help lists the options`, { cause });
  }
  const surplus = parsed.positionals[from.words ?? 0];
  if (surplus !== undefined) {
    throw new ConfigError(`Cannot use ${JSON.stringify(surplus)}: it belongs to no option. --help lists the options`);
  }
  const file = from.file ? readFile(from.file, flags) : {};
  const config: Record<string, unknown> = {};
  for (const [flag, name] of flags) {
    const given = options[name]!;
    const fromEnv = from.env[envName(name)];
    const [source, value] = parsed.values[flag] !== undefined ? [`--${flag}`, parsed.values[flag]] : fromEnv !== undefined
      ? [
        `$${envName(name)}`,
        given.multiple ? fromEnv.split(",").map((part) => part.trim()) : given.flag ? fromEnv === "1" || fromEnv === "true" : fromEnv,
      ]
      : [`${from.file?.path}: ${flag}`, file[flag]];
    if (value === undefined) {
      if (!("default" in given)) throw new ConfigError(`Missing --${flag}: ${given.help}`);
      config[name] = given.default;
      continue;
    }
    const result = v.safeParse(given.schema, value);
    if (!result.success) {
      throw new ConfigError(`Cannot use ${source}${given.secret ? "" : ` ${JSON.stringify(value)}`}: ${result.issues[0].message}`);
    }
    config[name] = result.output;
  }
  return { config: Object.freeze(config) as Config<O>, positionals: parsed.positionals };
}

function readFile({ path, text }: { path: string; text: string }, flags: ReadonlyMap<string, string>): Record<string, unknown> {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`Cannot read ${path}: it is not JSON`, { cause });
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw new ConfigError(`Cannot read ${path}: expected an object`);
  }
  for (const key of Object.keys(content)) if (!flags.has(key)) throw new ConfigError(`Cannot use ${path}: "${key}" is not an option`);
  return content as Record<string, unknown>;
}

/** The options as `--help` shows them. */
export function describe(options: Options): string {
  const rows = Object.entries(options).map(([name, { help, multiple, flag, secret, default: value, shown }]) => {
    const text = secret || value === false ? "" : shown ?? [value ?? ""].flat().join(", ");
    return [`  --${kebab(name)}${flag ? "" : " VALUE"}`, `${help}${multiple ? "; may be repeated" : ""}${text && ` (${text})`}`] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`).join("\n");
}

/** What `--print-config` prints: secrets are masked. */
export const shown = (options: Options, config: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(config).map(([name, value]) => [kebab(name), options[name]?.secret && value ? "***" : value]));
