// A TypeScript source as names, string literals and comments, by a small scanner: TypeScript 7 offers no API for it. Pure.

export interface SourceToken {
  /** `import`: the path of an import. A template gives one token for each part of its text. */
  readonly kind: "name" | "text" | "import" | "comment";
  readonly value: string;
  /** From 1. */
  readonly line: number;
}

const token =
  /(?<comment>\/\/[^\n]*|\/\*[\s\S]*?\*\/)|(?<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(?<name>[A-Za-z_$][\w$]*)|(?<number>\d[\w.]*)|(?<space>\s+)|[\s\S]/y;
const regularExpression = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/y;
/** Behind these words and characters a slash begins a regular expression; elsewhere it divides. */
const beforeExpression = /^(?:return|case|typeof|in|of|[([{,;:=!&|?+<>])$/;

export function sourceTokens(source: string): SourceToken[] {
  const tokens: SourceToken[] = [];
  // Depth of braces at which each template that is open goes on.
  const templates: number[] = [];
  let depth = 0;
  let position = 0;
  let previous = "(";
  let line = 1;
  let counted = 0;
  const add = (kind: SourceToken["kind"], value: string, at: number) => {
    for (; counted < at; counted++) if (source[counted] === "\n") line++;
    tokens.push({ kind, value, line });
  };

  /** Reads on behind a backtick or behind the brace that ends an expression. */
  const readTemplate = () => {
    const start = position;
    while (position < source.length) {
      const character = source[position]!;
      if (character === "\\") position += 2;
      else if (character === "`") {
        add("text", source.slice(start, position++), start);
        templates.pop();
        previous = "`";
        return;
      } else if (character === "$" && source[position + 1] === "{") {
        add("text", source.slice(start, position), start);
        position += 2;
        templates[templates.length - 1] = depth++;
        previous = "{";
        return;
      } else position++;
    }
  };

  while (position < source.length) {
    const start = position;
    if (source[position] === "/" && beforeExpression.test(previous)) {
      regularExpression.lastIndex = position;
      const found = regularExpression.exec(source);
      if (found !== null && !/^\/[/*]/.test(found[0])) {
        position += found[0].length;
        previous = "/";
        continue;
      }
    }
    token.lastIndex = position;
    const found = token.exec(source)!;
    position += found[0].length;
    const { comment, text, name, space } = found.groups!;
    if (comment !== undefined) add("comment", comment, start);
    else if (text !== undefined) add(previous === "from" || previous === "import" ? "import" : "text", text.slice(1, -1), start);
    else if (name !== undefined) add("name", name, start);
    if (comment !== undefined || space !== undefined) continue;
    previous = found[0];
    if (previous === "`") {
      templates.push(depth);
      readTemplate();
    } else if (previous === "{") depth++;
    else if (previous === "}") {
      depth--;
      if (templates.length > 0 && templates.at(-1) === depth) readTemplate();
    }
  }
  return tokens;
}
