// Finds and makes elements. Text is only ever inserted as text, never as markup.

/** @throws Error if the page has no element with this id */
export function find<E extends HTMLElement = HTMLElement>(id: string): E {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element as E;
}

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  { text, className }: { readonly text?: string; readonly className?: string } = {},
  ...children: readonly HTMLElement[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className !== undefined) element.className = className;
  if (text !== undefined) element.append(document.createTextNode(text));
  element.append(...children);
  return element;
}

/** A button that calls `run` on each click. */
export function makeButton(text: string, className: string, run: () => void): HTMLButtonElement {
  const button = make("button", { text, className });
  button.type = "button";
  button.addEventListener("click", run);
  return button;
}
