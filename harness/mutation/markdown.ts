// Cells of the tables that mutation testing writes.

export function code(text: string): string {
  return `\`${cell(text).replaceAll("`", "'")}\``;
}

/** Without pipes and line breaks, which would end a table's cell. */
export function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll(/\s+/g, " ");
}
