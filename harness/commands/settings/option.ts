// An option of a command, as one literal of JSON Schema: its flag, its help, its range, its key in the config file and in the API, its type.

/** Keywords of JSON Schema that AJV checks, and beside them how a flag gives the value. */
interface Common {
  /** As commander writes it, such as `--seed <number>`. Without one, the option exists in the API and the config file only. */
  readonly flag?: string;
  /** For --help: short, without the default. */
  readonly description: string;
  /** What a value looks like, for messages. Default: made from the type. */
  readonly expected?: string;
  /** Stands in printed commands in place of the value: a variable that the reader sets. */
  readonly secret?: string;
  /** A relative path in a config file starts at the file's folder. */
  readonly path?: true;
  /** Not part of a command that reproduces a run. */
  readonly transient?: true;
}

export interface TextOption extends Common {
  readonly type: "string";
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly default?: string;
}

export interface NumberOption extends Common {
  readonly type: "integer" | "number";
  readonly minimum: number;
  readonly maximum: number;
  readonly default?: number;
  /** A flag without a value, or `true` in the API, means this one. */
  readonly bare?: number;
  /** A flag takes 30, 30s, 1500ms or 2m; the value is in ms. */
  readonly unit?: "time";
}

export interface SwitchOption extends Common {
  readonly type: "boolean";
  readonly default?: boolean;
}

/** A flag that may be given several times. */
export interface ListOption extends Common {
  readonly type: "array";
  readonly items: { readonly type: "string"; readonly minLength?: number; readonly enum?: readonly string[] };
  readonly default?: readonly string[];
  /** The API and the file take a single text as well. */
  readonly single?: true;
  /** An argument of the command line, not a flag. */
  readonly positional?: true;
}

/** A flag NAME=VALUE that may be given several times. */
export interface MapOption extends Common {
  readonly type: "object";
  readonly additionalProperties:
    | { readonly type: "string" }
    | { readonly type: "number"; readonly minimum: number; readonly maximum: number };
  readonly default?: Readonly<Record<string, string | number>>;
}

/** An object of options in the API and the file; each has a flag. */
export interface GroupOption extends Common {
  readonly type: "object";
  readonly properties: Options;
  readonly maxProperties?: number;
}

export type Option = TextOption | NumberOption | SwitchOption | ListOption | MapOption | GroupOption;
export type Options = { readonly [name: string]: Option };

export type ValueOf<O> = O extends { readonly enum: readonly (infer Word)[] }
  ? Word
  : O extends { readonly type: "string" }
    ? string
    : O extends { readonly type: "integer" | "number"; readonly bare: number }
      ? number | true
      : O extends { readonly type: "integer" | "number" }
        ? number
        : O extends { readonly type: "boolean" }
          ? boolean
          : O extends { readonly type: "array"; readonly items: infer Item; readonly single: true }
            ? ValueOf<Item> | readonly ValueOf<Item>[]
            : O extends { readonly type: "array"; readonly items: infer Item }
              ? readonly ValueOf<Item>[]
              : O extends { readonly properties: infer Inner }
                ? Given<Inner>
                : O extends { readonly additionalProperties: infer Each }
                  ? Readonly<Record<string, ValueOf<Each>>>
                  : never;

/** What a caller may give. */
export type Given<P> = { readonly [Name in keyof P]?: ValueOf<P[Name]> | undefined };

/** The same after defaults. */
export type Settled<P> = {
  readonly [Name in keyof P]: P[Name] extends { readonly default: unknown } ? ValueOf<P[Name]> : ValueOf<P[Name]> | undefined;
};

export function isGroup(option: Option): option is GroupOption {
  return option.type === "object" && "properties" in option;
}

/** What was given, with the defaults of the rest. */
export function withDefaults<P extends Options>(options: P, given: Given<P>): Settled<P> {
  const values = Object.entries(options).map(([name, option]) => {
    const value = (given as Record<string, unknown>)[name] ?? ("default" in option ? option.default : undefined);
    return [name, value === true && "bare" in option ? option.bare : value];
  });
  return Object.fromEntries(values) as Settled<P>;
}
